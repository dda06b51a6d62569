import "./channels.js";
import "./menus.js";
import "./notice.js";
import "./thoughts.js";

// Show the newest message: when the page opens, when one comes, and when another channel or person is chosen. By itself,
// SimCord shows the top of the bot's latest message, and follows only whoever has scrolled to the very end. Until SimCord
// is ready, pictures may make the message longer; whoever does something meanwhile is left where they are.
const timeline = document.getElementById("channel-timeline");
const messages = document.getElementById("channel-message-list");
let shown;

function newest() {
  return messages.querySelector(":scope > article:last-child")?.dataset.messageId;
}

function follow() {
  if (newest() !== shown) {
    timeline.scrollTop = timeline.scrollHeight;
    if (!newest() || window.simcordPreview.ready) shown = newest();
  }
  requestAnimationFrame(follow);
}

for (const deed of ["pointerdown", "wheel", "touchmove", "keydown"]) {
  document.addEventListener(deed, () => { shown = newest(); }, { passive: true });
}

// A form is open: nothing else answers until it is closed, as SimCord holds it with what is its own.
const forms = document.getElementById("modal-root");
const others = [document.getElementById("channels"), document.getElementById("thoughts")];

function stepBack() {
  for (const other of others) other.inert = forms.getAttribute("aria-hidden") === "false";
}

new MutationObserver(stepBack).observe(forms, { attributes: true, attributeFilter: ["aria-hidden"] });
follow();
