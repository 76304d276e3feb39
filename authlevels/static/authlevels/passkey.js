// Asks the device for a passkey when a form is sent that has data-passkey-get or data-passkey-create: the address
// that tells what to ask. What the device gives goes into the form's hidden field `credential`; then it is sent.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

const text = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const named = (descriptors) => (descriptors || []).map((one) => ({ ...one, id: bytes(one.id) }));

// The names of errors that browsers agree on (WebAuthn Level 3, sections 5.1.3 and 5.1.4).
const SENTENCES = {
  NotAllowedError: "Nothing was confirmed: your device was not asked, or it took too long. Try again.",
  InvalidStateError: "This passkey is enrolled already.",
  SecurityError: "This page's address is not one that passkeys are made for.",
};

async function asked(form, address) {
  const answer = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said.publicKey;
}

async function created(options) {
  return navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: named(options.excludeCredentials),
    },
  });
}

async function gotten(options) {
  return navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: named(options.allowCredentials),
    },
  });
}

function written({ id, rawId, type, authenticatorAttachment, response }) {
  const said = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    said.attestationObject = text(response.attestationObject);
    said.transports = response.getTransports ? response.getTransports() : [];
  } else {
    said.authenticatorData = text(response.authenticatorData);
    said.signature = text(response.signature);
    if (response.userHandle) said.userHandle = text(response.userHandle);
  }
  return JSON.stringify({ id, rawId: text(rawId), type, authenticatorAttachment, response: said });
}

function tell(form, sentence) {
  let place = form.querySelector("[data-passkey-says]");
  if (!place) {
    place = document.createElement("p");
    place.dataset.passkeySays = "";
    place.className = "error";
    place.setAttribute("role", "alert");
    form.append(place);
  }
  place.textContent = sentence;
}

async function ask(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    if (!window.PublicKeyCredential) throw new Error("This browser knows no passkeys.");
    const { passkeyGet, passkeyCreate } = form.dataset;
    const shown = passkeyCreate ? await created(await asked(form, passkeyCreate)) : await gotten(await asked(form, passkeyGet));
    form.elements.credential.value = written(shown);
    form.submit();
  } catch (error) {
    tell(form, SENTENCES[error.name] || error.message || "That did not work. Try again.");
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey-get], form[data-passkey-create]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form);
  });
}
