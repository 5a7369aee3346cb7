"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripts");
  const cards = [...document.querySelectorAll(".card")];
  const places = new Map(cards.map((card) => [card, card.parentElement]));
  const choices = [...document.querySelectorAll('input[name="only"]')];
  const by = (id) => document.getElementById(id);
  const [find, heat, lines, shown, none, large] =
    ["find", "heat", "lines", "shown", "none", "large"].map(by);
  const words = new Map();

  const wordsOf = (card) => {
    if (!words.has(card)) {
      const parts = [...card.querySelectorAll(".name, .label")];
      words.set(card, parts.map((part) => part.textContent).join(" ").toLowerCase());
    }
    return words.get(card);
  };
  const chosen = () => choices.find((choice) => choice.checked)?.value ?? "all";
  const fits = (card, only, part) =>
    (only === "all" ||
      (only === "wrong" ? "wrong" in card.dataset : card.dataset.called === only)) &&
    (part === "" || wordsOf(card).includes(part));

  const show = () => {
    const only = chosen();
    const part = find.value.trim().toLowerCase();
    let number = 0;
    for (const card of cards) {
      const fit = fits(card, only, part);
      places.get(card).hidden = !fit;
      number += fit;
    }
    const counts = { num: number, total: cards.length };
    shown.textContent = shown.dataset.text.replace(/%\((\w+)\)s/g, (_, name) =>
      counts[name].toLocaleString("en"));
    none.hidden = number > 0 || cards.length === 0;
  };

  // The choice lives in the address (#only=defect&find=name&heat=50&lines=0), so that it can be sent and kept.
  const write = () => {
    const parts = new URLSearchParams();
    if (chosen() !== "all") parts.set("only", chosen());
    if (find.value.trim()) parts.set("find", find.value.trim());
    if (heat.value !== heat.defaultValue) parts.set("heat", heat.value);
    if (!lines.checked) parts.set("lines", "0");
    history.replaceState(null, "", `#${parts}`);
  };
  const read = () => {
    const parts = new URLSearchParams(location.hash.slice(1));
    const only = parts.get("only") ?? "all";
    const choice = choices.find((each) => each.value === only) ?? choices[0];
    if (choice) choice.checked = true;
    find.value = parts.get("find") ?? "";
    heat.value = parts.get("heat") ?? heat.defaultValue;
    lines.checked = parts.get("lines") !== "0";
    draw();
    show();
  };
  const draw = () => {
    root.style.setProperty("--heat", heat.value / 100);
    root.classList.toggle("bare", !lines.checked);
  };
  const changed = () => {
    draw();
    show();
    write();
  };
  for (const control of [...choices, find, heat, lines]) {
    control.addEventListener("input", changed);
  }
  addEventListener("hashchange", () => {
    if (!location.hash.startsWith("#picture")) read();
  });

  // A card is moved into the dialog and back: what it draws refers to its own picture by name.
  const back = () => {
    const card = large.querySelector(".card");
    if (card) places.get(card).append(card);
    return card;
  };
  const enlarge = (card) => {
    back();
    large.append(card);
    if (!large.open) large.showModal();
  };
  const walk = (step) => {
    const visible = cards.filter((card) => !places.get(card).hidden);
    const next = visible[visible.indexOf(large.querySelector(".card")) + step];
    if (next) enlarge(next);
  };
  large.addEventListener("close", () => {
    const card = back();
    card?.scrollIntoView({ block: "nearest" });
    card?.querySelector(".enlarge").focus();
  });
  large.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      event.preventDefault();
      walk(event.key === "ArrowRight" ? 1 : -1);
    }
  });
  large.addEventListener("click", (event) => {
    if (event.target === large) large.close();
  });
  by("previous").addEventListener("click", () => walk(-1));
  by("next").addEventListener("click", () => walk(1));
  by("close").addEventListener("click", () => large.close());
  document.querySelector(".cards").addEventListener("click", (event) => {
    if (event.target.closest(".enlarge, .panes")) enlarge(event.target.closest(".card"));
  });
  read();
})();
