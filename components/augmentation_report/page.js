"use strict";
document.documentElement.classList.add("js");
const SHOWN_AT_FIRST = 8;
let current = null; // the card that the keys act on

// A player that is stopped before it has begun says so by an error that nobody needs.
function play(player) {
  player.play().catch(() => {});
}

// A card shows one of its views; a switch keeps the position, and whether it plays.
function choose(card, index) {
  const views = [...card.querySelectorAll(".view")];
  if (!views[index]) return;
  const before = card.querySelector(".view.chosen");
  current = card;
  views.forEach((view, i) => view.classList.toggle("chosen", i === index));
  card.querySelectorAll(".switch button").forEach((button, i) =>
    button.setAttribute("aria-pressed", String(i === index)));
  if (!before || before === views[index]) return;
  const [from, to] = [before.querySelector("audio"), views[index].querySelector("audio")];
  const playing = !from.paused;
  from.pause();
  const at = Math.min(from.currentTime, to.duration || from.currentTime);
  const wanted = at >= to.duration ? 0 : at;
  if (to.currentTime !== wanted) to.currentTime = wanted;
  if (playing) play(to);
  draw(to);
}

for (const card of document.querySelectorAll(".card")) {
  const titles = [...card.querySelectorAll(".view h4")].map((title) => title.textContent);
  if (titles.length > 1) {
    const row = document.createElement("p");
    row.className = "switch";
    titles.forEach((title, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${index + 1} ${title}`;
      button.addEventListener("click", () => choose(card, index));
      row.append(button);
    });
    card.querySelector("h3").after(row);
  }
  choose(card, 0);
}
current = null;
document.addEventListener("keydown", (event) => {
  const card = document.activeElement.closest(".card") || current || document.querySelector(".card");
  if (!card || event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
  if (event.target.closest("select")) return;
  choose(card, Number(event.key) - 1);
});

// Only one player sounds at a time; a line in its pictures follows it.
function draw(player) {
  const share = player.duration ? player.currentTime / player.duration : 0;
  for (const picture of player.closest(".view").querySelectorAll(".picture")) {
    let line = picture.querySelector(".playhead");
    if (!line) {
      line = document.createElement("span");
      line.className = "playhead";
      picture.append(line);
    }
    line.style.left = `${100 * share}%`;
  }
}
function follow(player) {
  draw(player);
  if (!player.paused) requestAnimationFrame(() => follow(player));
}
document.addEventListener("play", (event) => {
  for (const player of document.querySelectorAll("audio")) {
    if (player !== event.target) player.pause();
  }
  current = event.target.closest(".card");
  follow(event.target);
}, true);
for (const name of ["seeked", "ended"]) {
  document.addEventListener(name, (event) => draw(event.target), true);
}
document.addEventListener("click", (event) => {
  const picture = event.target.closest(".picture");
  if (!picture) return;
  const player = picture.closest(".view").querySelector("audio");
  const box = picture.getBoundingClientRect();
  current = picture.closest(".card");
  player.currentTime = (player.duration || 0) * (event.clientX - box.left) / box.width;
});

// Long lists begin with a few cards; filters and order see all of them.
function arrange(list) {
  const section = list.parentElement;
  const wanted = {};
  for (const filter of section.querySelectorAll("[data-filter]")) {
    if (filter.value) wanted[filter.dataset.filter] = filter.selectedOptions[0].dataset.value;
  }
  const fitting = [...list.children].filter((card) =>
    (wanted.label === undefined || card.dataset.label === wanted.label) &&
    (wanted.transform === undefined || card.dataset.transforms.split("|").includes(wanted.transform)) &&
    (list.fits === undefined || list.fits(card)));
  const shown = list.dataset.all ? fitting : fitting.slice(0, SHOWN_AT_FIRST);
  for (const card of list.children) {
    card.hidden = !shown.includes(card);
    if (card.hidden) card.querySelectorAll("audio").forEach((player) => player.pause());
  }
  const more = list.nextElementSibling;
  more.hidden = shown.length === fitting.length;
  more.firstElementChild.textContent = `Show all ${fitting.length}`;
}
for (const list of document.querySelectorAll(".cards")) {
  const section = list.parentElement;
  const filters = section.querySelector(".filter");
  if (filters) filters.hidden = false;
  section.querySelectorAll("[data-filter]").forEach((filter) =>
    filter.addEventListener("change", () => arrange(list)));
  list.nextElementSibling.firstElementChild.addEventListener("click", () => {
    list.dataset.all = "yes";
    arrange(list);
  });
  const order = section.querySelector("[data-order]");
  if (order) {
    order.addEventListener("change", () => {
      const by = (card) => Number(card.dataset.change);
      const compare = {
        "": (a, b) => by(b) - by(a),
        up: (a, b) => by(a) - by(b),
        label: (a, b) => a.dataset.label.localeCompare(b.dataset.label),
      };
      list.append(...[...list.children].sort(compare[order.value]));
      arrange(list);
    });
  }
  arrange(list);
}
