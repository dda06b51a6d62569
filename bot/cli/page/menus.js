// The menu of a message: reactions to add, and the commands that the bot adds to Discord's menu "Apps".
import { failed } from "./notice.js";
import { request } from "./server.js";

const messages = document.getElementById("channel-message-list");
const menu = document.getElementById("message-menu");
const items = [...menu.querySelectorAll("[role=menuitem]")];
const WITHOUT_MENU = "article[data-message-id]:not(:has(.message-ephemeral-note, .open-menu))";
let message;

// Give each message a menu button, again whenever SimCord redraws it. In Discord, messages that only one person sees
// have no menu.
function decorate() {
  for (const article of messages.querySelectorAll(WITHOUT_MENU)) {
    const { messageId } = article.dataset;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "message-action-button open-menu";
    button.dataset.controlKey = `message:${messageId}:action:menu`;
    button.setAttribute("aria-haspopup", "menu");
    const author = article.querySelector(".message-author")?.textContent;
    button.setAttribute("aria-label", author ? `Reactions and apps for ${author}'s message` : "Reactions and apps");
    button.addEventListener("click", () => {
      const { left, bottom } = button.getBoundingClientRect();
      show(messageId, left, bottom);
    });
    toolbar(article).append(button);
  }
}

function toolbar(article) {
  const found = article.querySelector(".message-context-actions");
  if (found) return found;
  const made = document.createElement("div");
  made.className = "message-context-actions";
  article.append(made);
  return made;
}

function show(id, left, top) {
  message = id;
  menu.showPopover();
  const { offsetWidth, offsetHeight } = menu;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(top, innerHeight - offsetHeight - 8))}px`;
  items[0].focus();
}

async function choose(item) {
  menu.hidePopover();
  const { emoji, command } = item.dataset;
  try {
    if (emoji) await request("/demo/reaction", { message, emoji });
    else await request("/demo/command", { message, command });
  } catch {
    failed();
  }
}

function step(event) {
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  const place = items.indexOf(document.activeElement);
  const next = { Home: 0, End: items.length - 1 }[event.key] ?? place + steps[event.key];
  if (Number.isNaN(next)) return;
  event.preventDefault();
  items.at(next % items.length).focus();
}

for (const item of items) item.addEventListener("click", () => choose(item));
menu.addEventListener("keydown", step);
messages.addEventListener("contextmenu", (event) => {
  const article = event.target.closest("article:has(.open-menu)");
  if (!article || event.target.closest("a, img, button")) return;
  event.preventDefault();
  show(article.dataset.messageId, event.clientX, event.clientY);
});
new MutationObserver(decorate).observe(messages, { childList: true, subtree: true });
decorate();
