// A record's page: answer, or take an answer back.
import { effect, give } from "./answers.js";
import { openMiss } from "./miss.js";
import { _, ask, say } from "./station.js";

const odd = document.querySelector(".view[data-record]").dataset;
const number = Number(odd.record);
const told = sessionStorage.getItem("golden-told");
if (told) say(told);
sessionStorage.removeItem("golden-told");

/** Load the page again, and say there what was done. */
function reload(words) {
  sessionStorage.setItem("golden-told", words);
  location.reload();
}


async function act(button, asking) {
  button.disabled = true;
  try {
    const kept = await asking();
    if (kept) reload(kept.answer ? effect(kept) : _("Taken back."));
    button.disabled = false;
  } catch (error) {
    button.disabled = false;
    say(error.message);
  }
}

document.addEventListener("click", (event) => {
  const { answer, undo } = event.target.closest("button")?.dataset ?? {};
  const button = event.target.closest("button");
  if (answer) act(button, () => give(number, answer, odd));
  if (undo) act(button, async () => (await ask(`/api/feedback/${undo}`, { method: "DELETE" })).json());
});
if (document.getElementById("miss")) openMiss(document, reload);
