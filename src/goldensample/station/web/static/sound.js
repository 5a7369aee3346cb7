// Sounds for verdicts that are not good, made by the browser; off until somebody at it turns them on.

const TONES = {
  review: [[587, 0.35]],
  defect: [[988, 0.18], [494, 0.5]],
  error: [[330, 0.18], [330, 0.18], [330, 0.18]],
};
const PAUSE_S = 0.06;
const RAMP_S = 0.015; // without it a tone begins and ends with a crack
const LOUD = 0.5;
const box = document.getElementById("sound");
const waits = document.getElementById("sound-waits");
let context = null;
let until = 0;

/** Begin as the browser allows it: after a key, a click or a touch. */
async function begin() {
  if (box.checked) {
    context ??= new AudioContext();
    const begun = context.state === "running" || (navigator.userActivation?.hasBeenActive ?? true);
    if (begun) await context.resume();
  }
  waits.hidden = !box.checked || context.state === "running";
}

/** Sound a verdict, unless the one before still sounds. */
export function sound(verdict) {
  const tones = TONES[verdict];
  if (!tones || !box.checked || context?.state !== "running" || context.currentTime < until) return;
  let at = context.currentTime + RAMP_S;
  for (const [hertz, seconds] of tones) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    tone.type = "triangle";
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(LOUD, at + RAMP_S);
    volume.gain.setValueAtTime(LOUD, at + seconds - RAMP_S);
    volume.gain.linearRampToValueAtTime(0, at + seconds);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds + PAUSE_S;
  }
  until = at;
}

box.checked = localStorage.getItem("golden-sound") === "on";
box.addEventListener("change", async () => {
  localStorage.setItem("golden-sound", box.checked ? "on" : "off");
  await begin();
  sound("review"); // as a proof, and to set the volume by
});
for (const gesture of ["pointerdown", "keydown"]) {
  addEventListener(gesture, () => context?.state === "running" || begin());
}
begin();
