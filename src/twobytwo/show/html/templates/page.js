// The margin moves; number and wording follow. Every probability was computed from the draws and written
// by the package: this script only chooses among them.
"use strict";
const curve = JSON.parse(document.getElementById("curve").textContent);
const slider = document.getElementById("margin-slider");
const number = document.getElementById("margin-number");

function show(index) {
  const margin = document.getElementById("margin");
  margin.textContent = curve.texts[index];
  document.getElementById("probability").textContent = curve.probabilities[index];
  slider.value = index;
  slider.setAttribute("aria-valuetext", `${margin.textContent}: ${curve.probabilities[index]}`);
  number.value = curve.margins[index];
}

function nearest(value) {
  let best = 0;
  curve.margins.forEach((margin, index) => {
    if (Math.abs(margin - value) < Math.abs(curve.margins[best] - value)) best = index;
  });
  return best;
}

slider.addEventListener("input", () => show(Number(slider.value)));
number.addEventListener("change", () => show(nearest(Number(number.value))));
document.getElementById("controls").hidden = false;
show(Number(slider.value));
