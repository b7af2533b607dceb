// Passkeys: the browser's part of making one and of signing in with one. Forms carry everything; see accounts/templates/mfa.
const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function decoded(options) {
  const listed = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));
  const made = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) made.user = { ...options.user, id: toBytes(options.user.id) };
  if (options.excludeCredentials) made.excludeCredentials = listed(options.excludeCredentials);
  if (options.allowCredentials) made.allowCredentials = listed(options.allowCredentials);
  return made;
}

function encoded(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function create(form) {
  const { publicKey } = JSON.parse(document.getElementById("passkey-options").textContent).creation_options;
  const options = decoded(publicKey);
  const alone = form.elements.passwordless?.checked ?? true;
  options.authenticatorSelection = {
    ...options.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    userVerification: alone ? "required" : options.authenticatorSelection.userVerification,
  };
  return navigator.credentials.create({ publicKey: options });
}

async function ask(form) {
  const here = document.getElementById("passkey-options");
  let options;
  if (here) {
    options = JSON.parse(here.textContent).request_options;
  } else {
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("The index did not answer. Wait a minute, then try again.");
    options = (await answer.json()).request_options;
  }
  return navigator.credentials.get({ publicKey: decoded(options.publicKey) });
}

const EXPLAINED = {
  NotAllowedError: "It was cancelled, took too long, or there is no passkey for this site here.",
  InvalidStateError: "This device has a passkey for this account already.",
  SecurityError: "This address is not the one the index is known by, so browsers refuse passkeys here.",
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const told = form.querySelector("[data-passkey-told]");
  if (!window.PublicKeyCredential) {
    told.textContent = "This browser, or this address, cannot do passkeys: they need https, or localhost.";
    continue;
  }
  for (const button of form.querySelectorAll("button")) button.disabled = false;
  form.addEventListener("submit", async (event) => {
    if (form.dataset.passkey === "done") return;
    event.preventDefault();
    told.textContent = "Follow your browser's question.";
    try {
      const credential = await (form.dataset.passkey === "create" ? create(form) : ask(form));
      form.elements.credential.value = JSON.stringify(encoded(credential));
      form.dataset.passkey = "done";
      form.submit();
    } catch (error) {
      told.textContent = EXPLAINED[error.name] || error.message;
    }
  });
}
