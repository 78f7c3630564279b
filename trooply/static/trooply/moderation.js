"use strict";

// Pictures that were judged are blurred until somebody wants to see one.
document.addEventListener("click", ({ target }) => {
  const veiled = target.closest("[data-veiled]");
  if (veiled) veiled.setAttribute("aria-pressed", veiled.getAttribute("aria-pressed") === "false");
});
