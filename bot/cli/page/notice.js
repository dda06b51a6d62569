// Show errors in the bar at the top, in place of SimCord's messages about each step, which are meant for developers.
const status = document.getElementById("action-status");
const notice = document.getElementById("notice");

const FAILED = "That did not work. Please try again.";
const TROUBLE = {
  "Action was not completed.": FAILED,
  "Action outcome uncertain. It will not be retried.": FAILED,
  "Connection interrupted; trying again…": "The demo does not answer; trying again…",
  "Preview session closed.": "The demo has ended. You can close this page.",
  "Preview session ended.": "The demo has ended. You can close this page.",
  "Preview session is unavailable. Reload the active Preview URL.": "The demo has ended. You can close this page.",
};

// SimCord shows nothing without the key, which is the part of the address after the #.
document.getElementById("incomplete-address").hidden = location.hash.length > 1;

function show(text) {
  if (notice.textContent !== text) notice.textContent = text;
}

export function failed() {
  show(FAILED);
}

new MutationObserver(() => show(TROUBLE[status.textContent] ?? "")).observe(status, { childList: true });
