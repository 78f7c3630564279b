"use strict";

// A search is made with words, with a picture or with a picture's address: filling one in empties the others.

const ask = document.getElementById("ask");
const show = document.getElementById("show");
const { query, image_url: address } = ask.elements;
const { image } = show.elements;
const dropZone = document.getElementById("drop-zone");
const preview = document.getElementById("preview");
const forget = document.getElementById("forget");

query.addEventListener("input", () => {
  address.value = "";
  forgetPicture();
});

address.addEventListener("input", () => {
  query.value = "";
  forgetPicture();
});

address.addEventListener("change", () => {
  if (address.value && address.checkValidity()) ask.requestSubmit();
});

image.addEventListener("change", () => {
  if (image.files.length) searchWithPicture();
});

forget.addEventListener("click", () => {
  forgetPicture();
  address.value = "";
  query.focus();
});

document.getElementById("filters").addEventListener("change", () => {
  if (image.files.length) show.requestSubmit();
  else if (query.value || address.value) ask.requestSubmit();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-find-similar]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  searchWithAddress(link.dataset.findSimilar);
  showPreview(link.parentElement.querySelector("img").src, "The product that was chosen");
  window.scrollTo({ top: 0 });
});

// Pictures may be dropped and pasted anywhere: a near miss must not make the browser leave the page.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  dropZone.classList.add("over");
});

document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) dropZone.classList.remove("over");
});

document.addEventListener("drop", (event) => {
  dropZone.classList.remove("over");
  take(event, event.dataTransfer);
});

document.addEventListener("paste", (event) => take(event, event.clipboardData));

function take(event, transfer) {
  const isTextForField = !transfer.files.length && event.target.closest("input");
  if (isTextForField) return;
  event.preventDefault();
  const pictures = [...transfer.files].filter((file) => file.type.startsWith("image/"));
  if (pictures.length) {
    const chosen = new DataTransfer();
    chosen.items.add(pictures[0]);
    image.files = chosen.files;
    searchWithPicture();
    return;
  }
  const link = transfer.getData("text/uri-list") || transfer.getData("text/plain").trim();
  if (/^https?:\/\//.test(link)) searchWithAddress(link);
}

function searchWithAddress(link) {
  forgetPicture();
  query.value = "";
  address.value = link;
  ask.requestSubmit();
}

function searchWithPicture() {
  query.value = "";
  address.value = "";
  showPreview(URL.createObjectURL(image.files[0]), image.files[0].name);
  show.requestSubmit();
}

function showPreview(source, name) {
  const picture = new Image(400, 400);
  picture.alt = name;
  // Some pictures can be searched with but not shown: few browsers know HEIC.
  picture.addEventListener("error", () => picture.replaceWith(name));
  picture.src = source;
  clearPreview();
  preview.append(picture);
  forget.hidden = false;
}

function forgetPicture() {
  show.reset();
  clearPreview();
}

function clearPreview() {
  for (const picture of preview.children) URL.revokeObjectURL(picture.src);
  preview.replaceChildren();
  forget.hidden = true;
}
