// A record's page: answer, or take an answer back.
import { ask, effect, say, send } from "./station.js";

const number = Number(document.querySelector(".view[data-record]").dataset.record);
const told = sessionStorage.getItem("golden-told");
if (told) say(told);
sessionStorage.removeItem("golden-told");

async function act(button, asking) {
  button.disabled = true;
  try {
    const kept = await (await asking()).json();
    sessionStorage.setItem("golden-told", kept.answer ? effect(kept) : "Taken back.");
    location.reload();
  } catch (error) {
    button.disabled = false;
    say(error.message);
  }
}

document.addEventListener("click", (event) => {
  const { answer, undo } = event.target.closest("button")?.dataset ?? {};
  const button = event.target.closest("button");
  if (answer) act(button, () => send("/api/feedback", { record: number, answer }));
  if (undo) act(button, () => ask(`/api/feedback/${undo}`, { method: "DELETE" }));
});
