"use strict";

// --- What htmx asks for, and what becomes of it ---------------------------------------------------------------------

// Fields that were left empty would only make addresses long.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get") return;
  for (const [name, value] of [...detail.formData]) {
    if (value === "") detail.formData.delete(name);
  }
});

// An answer from elsewhere is a redirect, to the sign-in page after a session has ended: it is a page of its own.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  const asked = new URL(pathInfo.finalRequestPath, location.href);
  const answered = new URL(xhr.responseURL);
  if (answered.pathname === asked.pathname) return;
  event.preventDefault();
  location.assign(location.href);
});

// A form that is refused comes back with what is wrong beside its fields.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status !== 422) return;
  detail.shouldSwap = true;
  detail.isError = false;
});

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.xhr.status === 422) document.querySelector("[aria-invalid]")?.focus();
});

for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, ({ detail }) => {
    detail.target.replaceChildren(document.getElementById("request-failed").content.cloneNode(true));
  });
}

document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  const announcement = target.querySelector("[data-announce]");
  if (announcement) document.getElementById("announcer").textContent = announcement.textContent;
  if (document.activeElement === document.body) target.focus({ preventScroll: true });
});

// --- Navigation, which is longer than a small window ----------------------------------------------------------------

document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest" });

// --- Dialogs --------------------------------------------------------------------------------------------------------

document.addEventListener("click", ({ target }) => {
  const opener = target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (target.closest("[data-closes]")) target.closest("dialog").close();
});

// --- Lists whose rows can be ticked ---------------------------------------------------------------------------------

document.addEventListener("change", ({ target }) => {
  const list = target.closest("[data-ticks]");
  if (!list) return;
  if (target.matches("[data-tick-all]")) {
    for (const box of boxes(list)) box.checked = target.checked;
  }
  showTicked(list);
});

// Browsers restore ticks when a page is reloaded or gone back to.
window.addEventListener("pageshow", () => document.querySelectorAll("[data-ticks]").forEach(showTicked));

function boxes(list) {
  return [...list.querySelectorAll("tbody [type=checkbox]")];
}

function showTicked(list) {
  const ticked = boxes(list).filter((box) => box.checked);
  const all = list.querySelector("[data-tick-all]");
  all.checked = ticked.length === boxes(list).length;
  all.indeterminate = ticked.length > 0 && !all.checked;
  list.querySelector("[data-tick-bar]").hidden = ticked.length === 0;
  for (const count of list.querySelectorAll("[data-ticked]")) {
    count.textContent = ticked.length === 1 ? "1 product" : `${ticked.length} products`;
  }
  const pictures = ticked.map((box) => box.closest("tr").querySelector("img")).filter(Boolean);
  const shown = list.querySelector("[data-ticked-pictures]");
  if (shown) shown.replaceChildren(...pictures.map((picture) => picture.cloneNode()));
}
