import "./channels.js";
import "./menus.js";
import "./notice.js";

// Show the newest message: when the page opens, when one comes, and when another channel or person is chosen. By itself,
// SimCord shows the top of the bot's latest message, and follows only whoever has scrolled to the very end.
const timeline = document.getElementById("channel-timeline");
const messages = document.getElementById("channel-message-list");
let shown;

function follow() {
  const newest = messages.querySelector("article:last-child")?.dataset.messageId;
  if (!newest) {
    shown = undefined;
  } else if (newest !== shown && window.simcordPreview.ready) {
    timeline.scrollTop = timeline.scrollHeight;
    shown = newest;
  }
  requestAnimationFrame(follow);
}

follow();
