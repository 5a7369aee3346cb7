// The live page on a screen that nobody sits at: large, and with nothing to press but the way back.

const follow = document.getElementById("follow");

function kiosk(is) {
  document.body.classList.toggle("kiosk", is);
  const address = new URL(location.href);
  if (is) address.searchParams.set("kiosk", "");
  else address.searchParams.delete("kiosk");
  history.replaceState(null, "", address);
  if (!is || follow.checked) return;
  follow.checked = true;
  follow.dispatchEvent(new Event("change"));
}

document.getElementById("full").addEventListener("click", () => {
  kiosk(true);
  document.documentElement.requestFullscreen?.().catch(() => {}); // the page fills the window then
});
document.getElementById("leave").addEventListener("click", () => {
  kiosk(false);
  if (document.fullscreenElement) document.exitFullscreen();
});
document.addEventListener("fullscreenchange", () => document.fullscreenElement || kiosk(false));
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("kiosk")) kiosk(false);
});
