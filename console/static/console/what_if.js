// Shows what other bands would ask as a slider is let go of. Without this script a button asks for the same page.
"use strict";

const form = document.querySelector("form[data-what-if]");
let newest = 0;

async function ask() {
  const number = ++newest;
  const url = new URL(form.action);
  url.search = new URLSearchParams(new FormData(form));
  const answer = await fetch(url);
  if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#answer");
  if (number !== newest) return;
  // A band never begins below the one before: the page may have moved another one along.
  for (const slider of found.querySelectorAll("data[data-begins]")) {
    form.elements[slider.dataset.begins].value = slider.value;
    tell(form.elements[slider.dataset.begins]);
  }
  document.querySelector("#answer").replaceWith(found);
  history.replaceState(null, "", url);
}

function tell(slider) {
  slider.nextElementSibling.value = Number(slider.value).toFixed(1);
}

if (form) {
  form.addEventListener("input", (event) => { if (event.target.type === "range") tell(event.target); });
  form.addEventListener("change", () => ask().catch(() => form.submit()));
}
