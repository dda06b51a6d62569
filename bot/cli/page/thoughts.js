// The panel beside the conversation: what the bot thinks of each message, as in its menu "Why?", the newest first.
import { request } from "./server.js";

const messages = document.getElementById("channel-message-list");
const panel = document.getElementById("thoughts");
const list = document.getElementById("thoughts-list");
const newest = document.getElementById("newest-thought");
const cards = new Map(); // by message: what it looked like when it was asked about, and the card, null if there is none
let asking = false;
let changed = false;

// What the bot's answer can depend on: the text, and whether reactions were added or removed.
function looks(article) {
  const parts = article.querySelectorAll(".message-content, .message-edited, .reaction-chip");
  return [...parts].map((part) => part.textContent).join("\n");
}

async function follow() {
  changed = true;
  if (asking) return;
  asking = true;
  while (changed) {
    changed = false;
    try {
      await ask();
    } catch {
      setTimeout(follow, 2000);
    }
  }
  asking = false;
}

async function ask() {
  const articles = [...messages.querySelectorAll("article[data-message-id]")];
  const seen = new Map(articles.map((article) => [article.dataset.messageId, looks(article)]));
  const unknown = [...seen.keys()].filter((message) => cards.get(message)?.looks !== seen.get(message));
  if (unknown.length) {
    const thoughts = await request("/demo/thoughts", { messages: unknown });
    for (const message of unknown) {
      const card = thoughts[message] && draw(cards.get(message)?.card ?? cardOf(message), thoughts[message]);
      cards.set(message, { looks: seen.get(message), card });
    }
  }
  show([...seen.keys()].reverse().flatMap((message) => cards.get(message).card ?? []));
}

// Put the cards into the panel without moving those that are in place, since a moved card loses the focus.
function show(shown) {
  let place = list.firstElementChild;
  for (const card of shown) {
    if (card === place) place = place.nextElementSibling;
    else list.insertBefore(card, place);
  }
  while (place) {
    const next = place.nextElementSibling;
    place.remove();
    place = next;
  }
  newest.textContent = shown[0]?.querySelector(".verdict")?.textContent ?? "";
}

function cardOf(message) {
  const card = element("li", "thought");
  const quote = element("button", "quote");
  card.dataset.message = message;
  quote.type = "button";
  quote.title = "Show this message";
  quote.addEventListener("click", () => point(message));
  card.append(quote);
  return card;
}

function draw(card, { author, text, emotion, emoji, certainty, required, why }) {
  const [quote, ...before] = card.children;
  for (const part of before) part.remove();
  quote.replaceChildren(element("strong", "", author), " ", text);
  if (emotion) {
    card.append(element("p", "verdict", [emoji, emotion, `${Math.round(certainty * 100)}%`].filter(Boolean).join(" ")));
  }
  if (required) {
    const bar = element("span", "bar");
    bar.style.setProperty("--certainty", certainty);
    bar.style.setProperty("--required", required);
    bar.setAttribute("aria-hidden", "true");
    card.append(bar);
  }
  for (const line of why.split("\n")) {
    const paragraph = element("p", line.startsWith("-# ") ? "small" : "");
    paragraph.append(...formatted(line.replace(/^-# /, "")));
    card.append(paragraph);
  }
  return card;
}

// The Markdown that the bot uses in its answers: bold, code, timestamps, and backslash escapes.
function formatted(line) {
  const marks = /\*\*((?:\\.|[^*\\])+)\*\*|`([^`]+)`|<t:(\d+):R>/gu;
  const parts = [];
  let end = 0;
  for (const mark of line.matchAll(marks)) {
    const [whole, bold, code, seconds] = mark;
    parts.push(plain(line.slice(end, mark.index)));
    if (bold) parts.push(element("strong", "", plain(bold)));
    else if (code) parts.push(element("code", "inline-code", code));
    else parts.push(moment(Number(seconds)));
    end = mark.index + whole.length;
  }
  return [...parts, plain(line.slice(end))];
}

function plain(text) {
  return text.replace(/\\(\W)/gu, "$1");
}

function moment(seconds) {
  const time = element("time", "");
  time.dateTime = new Date(seconds * 1000).toISOString();
  tell(time);
  return time;
}

function tell(time) {
  const seconds = Math.ceil((Date.parse(time.dateTime) - Date.now()) / 1000);
  const relative = new Intl.RelativeTimeFormat("en");
  time.textContent = seconds < 60 ? relative.format(seconds, "second") : relative.format(Math.ceil(seconds / 60), "minute");
}

// Count down to the next possible reaction, and ask the bot again when that time has come.
function tick() {
  const times = [...list.querySelectorAll("time")];
  const over = times.filter((time) => Date.parse(time.dateTime) <= Date.now());
  for (const time of over) cards.get(time.closest(".thought").dataset.message).looks = undefined;
  if (over.length) follow();
  else times.forEach(tell);
}

function point(message) {
  const article = messages.querySelector(`article[data-message-id="${message}"]`);
  for (const other of messages.querySelectorAll(".pointed-at")) other.classList.remove("pointed-at");
  article?.classList.add("pointed-at");
  article?.scrollIntoView({ block: "center" });
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

setInterval(tick, 1000);
panel.open = !matchMedia("(max-width: 900px)").matches;
new MutationObserver(follow).observe(messages, { childList: true, subtree: true });
follow();
