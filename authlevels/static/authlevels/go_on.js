// Presses the button of the one form that may go on by itself. Without this script a person presses it.
"use strict";

const form = document.querySelector("form[data-go-on]");
if (form) {
  form.addEventListener("submit", () => {
    // A second press would only be told that it went on already.
    form.querySelector("button").disabled = true;
  });
  form.requestSubmit();
}
