"use strict";

// A file is shown as soon as it is chosen or dropped, and again when something else shall be done with it.

const form = document.getElementById("import-form");
const { file } = form.elements;
const dropZone = document.getElementById("drop-zone");
const fileName = document.getElementById("file-name");
const problem = document.getElementById("file-problem");

file.addEventListener("change", show);

form.querySelector(".import-modes").addEventListener("change", () => {
  if (file.files.length) show();
});

// It may be dropped anywhere: a near miss must not make the browser leave the page.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  dropZone.classList.add("over");
});

document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) dropZone.classList.remove("over");
});

document.addEventListener("drop", (event) => {
  event.preventDefault();
  dropZone.classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  const chosen = new DataTransfer();
  chosen.items.add(event.dataTransfer.files[0]);
  file.files = chosen.files;
  show();
});

function show() {
  const [chosen] = file.files;
  if (!chosen) return;
  const isTooLarge = chosen.size > Number(file.dataset.maxBytes);
  fileName.textContent = `${chosen.name}, ${size(chosen.size)}`;
  problem.hidden = !isTooLarge;
  if (isTooLarge) document.getElementById("import-preview").replaceChildren();
  else htmx.trigger(form, "preview");
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
