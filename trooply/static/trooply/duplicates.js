"use strict";

// What a scan from this similarity on finds, in words, while its slider moves.

document.addEventListener("input", ({ target }) => {
  const field = target.closest("[data-similarity]");
  if (field) showSimilarity(field);
});

// Browsers restore where a slider stood when a page is reloaded or gone back to.
window.addEventListener("pageshow", () => document.querySelectorAll("[data-similarity]").forEach(showSimilarity));

function showSimilarity(field) {
  const similarity = Number(field.querySelector("[type=range]").value);
  field.querySelector("output").textContent = `${(similarity * 100).toFixed(1).replace(".0", "")} %`;
  const levels = [...field.querySelectorAll("[data-from]")];
  const reached = levels.find((level) => similarity >= Number(level.dataset.from));
  for (const level of levels) level.hidden = level !== reached;
}

// Before products are deleted, their dialog names what stays, as it is chosen at that moment, and what does not.

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-opens]")) return;
  document.querySelectorAll("[data-fates]").forEach(showFates);
  const ticked = [...document.querySelectorAll("[name=group_id]:checked")].map((box) => box.closest(".twins"));
  const fates = ticked.flatMap((group) => [...group.querySelectorAll("[data-fate]")]);
  document.querySelector("[data-all-fates]")?.replaceChildren(...fates.map((fate) => fate.cloneNode(true)));
});

function showFates(list) {
  const chosen = document.querySelector(`[name="${list.dataset.fates}"]:checked`)?.value;
  for (const fate of list.children) {
    const stays = fate.dataset.fate === chosen;
    fate.querySelector("[data-stays]").hidden = !stays;
    fate.querySelector("[data-goes]").hidden = stays;
  }
}
