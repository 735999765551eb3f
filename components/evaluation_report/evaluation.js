
// A cell of the confusion matrix shows its clips and plays them one after the other.
const list = document.querySelector("#listen .cards");
const note = document.querySelector("#chosen strong");
const back = document.querySelector("#chosen button");
const condition = document.getElementById("condition");
let playlist = [];

// Without a cell: the errors under the chosen condition.
list.fits = (card) => (list.dataset.cell ? card.dataset.cell === list.dataset.cell
  : card.dataset.right === "no" && card.dataset.cell.split(" ")[0] === condition.value);
function showCell(cell) {
  if (cell) list.dataset.cell = cell; else delete list.dataset.cell;
  document.querySelectorAll(".matrix .chosen").forEach((old) => old.classList.remove("chosen"));
  document.getElementById("chosen").hidden = !cell;
  arrange(list);
}
for (const button of document.querySelectorAll(".matrix button")) {
  button.addEventListener("click", () => {
    showCell(button.dataset.cell);
    button.classList.add("chosen");
    const cards = [...list.children].filter((card) => !card.hidden);
    note.textContent = `${button.getAttribute("aria-label")}, ${cards.length} here`;
    playlist = cards.map((card) => card.querySelector("audio"));
    for (const player of playlist) player.currentTime = 0;
    play(playlist[0]);
    document.getElementById("listen-title").scrollIntoView();
  });
}
document.addEventListener("ended", (event) => {
  const next = playlist[playlist.indexOf(event.target) + 1];
  if (playlist.includes(event.target) && next) play(next);
}, true);
back.addEventListener("click", () => showCell());

// One matrix at a time.
const matrices = [...document.querySelectorAll(".matrix")];
function chooseMatrix() {
  matrices.forEach((matrix, index) => { matrix.hidden = index !== Number(condition.value); });
  showCell();
}
condition.addEventListener("change", chooseMatrix);
document.querySelector("#confusion .filter").hidden = matrices.length < 2;
chooseMatrix();
