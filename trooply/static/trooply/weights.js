"use strict";

// Six weights must total 100: each has a slider beside its number, and what they total is told while they change.

document.addEventListener("input", ({ target }) => {
  const weight = target.closest("[data-weight]");
  if (!weight) return;
  if (target.type === "range") weight.querySelector("[type=number]").value = target.value;
  showTotal(weight.closest("[data-weights]"));
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-scale]");
  if (button) scale(button.closest("[data-weights]"));
});

// Browsers restore what was typed when a page is reloaded or gone back to.
window.addEventListener("pageshow", () => {
  for (const set of document.querySelectorAll("[data-weights]")) {
    showTotal(set);
  }
});

function numbers(set) {
  return [...set.querySelectorAll("[data-weight] [type=number]")];
}

function slider(number) {
  return number.closest("[data-weight]").querySelector("[type=range]");
}

function totalOf(set) {
  return hundredths(numbers(set).reduce((total, number) => total + Number(number.value), 0));
}

function hundredths(value) {
  return Math.round(value * 100) / 100;
}

function showTotal(set) {
  const total = totalOf(set);
  const rest = hundredths(100 - total);
  const told = rest === 0 ? "" : rest > 0 ? `, ${rest} to give` : `, ${-rest} too many`;
  set.querySelector("[data-total]").textContent = `${total} of 100${told}`;
  set.classList.toggle("off", rest !== 0);
  set.querySelector("[data-scale]").hidden = rest === 0 || total === 0;
  let left = 0;
  for (const number of numbers(set)) {
    slider(number).value = number.value;
    slider(number).style.setProperty("--share", `${number.value}%`);
    const part = set.querySelector(`[data-part="${number.closest("[data-weight]").dataset.weight}"]`);
    const width = (Number(number.value) / Math.max(total, 100)) * 100;
    part.setAttribute("x", `${left}%`);
    part.setAttribute("width", `${width}%`);
    left += width;
  }
}

// All in proportion, in whole numbers; what rounding leaves goes to the greatest.
function scale(set) {
  const total = totalOf(set);
  const all = numbers(set);
  for (const number of all) number.value = Math.round((Number(number.value) / total) * 100);
  const greatest = all.reduce((most, number) => (Number(number.value) > Number(most.value) ? number : most));
  greatest.value = Number(greatest.value) + 100 - totalOf(set);
  showTotal(set);
  greatest.focus();
}
