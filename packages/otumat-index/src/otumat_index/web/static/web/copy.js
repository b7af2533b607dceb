// Copy buttons: shown only where script runs; the text can be selected by hand anyway.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = button.parentElement.querySelector("[data-copy-text]");
  const status = document.getElementById("copied");
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected";
    if (status) status.textContent = button.textContent;
    setTimeout(() => { button.textContent = label; if (status) status.textContent = ""; }, 1600);
  });
}
