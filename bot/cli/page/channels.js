// Switch between channels. SimCord's own page shows only one channel, so this moves the page to another and makes it
// redraw itself, as it does when the viewer changes.
import { failed } from "./notice.js";
import { request } from "./server.js";

const name = document.getElementById("channel-name");
const viewer = document.getElementById("viewer-picker");
const buttons = [...document.querySelectorAll("#channels button")];

async function open(channel) {
  try {
    await request("/demo/channel", { channel });
  } catch {
    failed();
    return;
  }
  viewer.dispatchEvent(new Event("change"));
}

function mark() {
  for (const button of buttons) button.setAttribute("aria-current", String(button.textContent === name.textContent));
}

for (const button of buttons) button.addEventListener("click", () => open(button.dataset.channel));
new MutationObserver(mark).observe(name, { childList: true });
mark();
