// Passkeys can't do without a script: it hands the server's question to the browser, and the answer to the form.
const ask = async (button) => {
  const { publicKey } = Object.values(JSON.parse(document.getElementById(button.dataset.options).textContent))[0];
  const isNew = button.dataset.passkey === "create";
  const credential = isNew
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  button.form.elements.credential.value = JSON.stringify(credential.toJSON());
  button.form.submit();
};
for (const button of document.querySelectorAll("[data-passkey]")) {
  const trouble = button.form.querySelector("[data-passkey-trouble]");
  button.addEventListener("click", () => {
    trouble.hidden = true;
    ask(button).catch(() => { trouble.hidden = false; });
  });
}
