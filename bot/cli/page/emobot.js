import "./channels.js";
import "./menus.js";
import "./notice.js";
import "./thoughts.js";

// Scroll to the newest message: when the page opens, when a message arrives, and when another channel or person is
// chosen. SimCord itself scrolls to the top of the bot's latest message, and then only if the user has scrolled to the
// very end. While SimCord is loading, pictures may make the message longer; if the user does something meanwhile, the
// page does not scroll, unless it was in the input field: who writes wants to see the answer.
const timeline = document.getElementById("channel-timeline");
const messages = document.getElementById("channel-message-list");
const composer = document.getElementById("channel-composer");
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

for (const action of ["pointerdown", "wheel", "touchmove", "keydown"]) {
  document.addEventListener(action, ({ target }) => {
    if (!composer.contains(target)) shown = newest();
  }, { passive: true });
}

// While a form is open, disable our own controls, as SimCord does with its own.
const forms = document.getElementById("modal-root");
const others = [document.getElementById("channels"), document.getElementById("thoughts")];

function disableControls() {
  for (const other of others) other.inert = forms.getAttribute("aria-hidden") === "false";
}

new MutationObserver(disableControls).observe(forms, { attributes: true, attributeFilter: ["aria-hidden"] });
follow();
