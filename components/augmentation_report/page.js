"use strict";
// Only one player sounds at a time.
document.addEventListener("play", (event) => {
  for (const player of document.querySelectorAll("audio")) {
    if (player !== event.target) player.pause();
  }
}, true);

// The label filter appears only where a script can serve it.
const filter = document.getElementById("label-filter");
if (filter) {
  filter.closest(".filter").hidden = false;
  filter.addEventListener("change", () => {
    const chosen = filter.selectedOptions[0];
    for (const card of document.querySelectorAll("#listen .card")) {
      card.hidden = filter.value !== "" && card.dataset.label !== chosen.dataset.label;
    }
  });
}
