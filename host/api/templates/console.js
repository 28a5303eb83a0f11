// What the console's pages about plugins can do beyond forms and links: a file can be dropped, its upload shows how far
// it is, and a log goes on by itself. Every page works without it.
"use strict";

for (const form of document.querySelectorAll("form[data-upload]")) {
  makeUpload(form);
}
for (const log of document.querySelectorAll("[data-lines]")) {
  makeTail(log);
}

const again = document.querySelector("meta[name=look-again]");
if (again) {
  lookAgain(Number(again.content));
}

// Something is under way that the page waits for. Whoever has begun to fill in a form is not interrupted.
function lookAgain(pause) {
  setTimeout(() => {
    const isBusy = document.querySelector("details[open] form, button:disabled")
      || [...document.querySelectorAll("input[type=file]")].some((input) => input.files.length > 0)
      || document.activeElement?.closest("form");
    if (isBusy) {
      lookAgain(pause);
    } else {
      location.reload();
    }
  }, pause);
}

function makeUpload(form) {
  const zone = form.querySelector(".drop");
  const file = form.querySelector("input[type=file]");
  const name = form.querySelector("input[name=name]");
  const chosen = form.querySelector(".chosen");
  const progress = form.querySelector("progress");

  function show() {
    const [picked] = file.files;
    chosen.textContent = picked ? `${picked.name}, ${Math.ceil(picked.size / 1024).toLocaleString("en")} kB` : "";
    if (picked && !name.value) {
      name.value = picked.name.replace(/\.[^.]*$/, "").replaceAll("_", "-");
    }
  }

  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    zone.addEventListener(kind, () => zone.classList.remove("over"));
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length > 0) {
      file.files = event.dataTransfer.files;
      show();
    }
  });
  file.addEventListener("change", show);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [picked] = file.files;
    if (picked && picked.size > Number(form.dataset.bytesMax)) {
      say(`${picked.name} is larger than the ${form.dataset.bytesMax} bytes that a component may have.`);
      return;
    }
    const request = new XMLHttpRequest();
    const button = form.querySelector("button");
    button.disabled = true;
    progress.hidden = false;
    progress.value = 0;
    request.upload.addEventListener("progress", (sent) => {
      progress.value = sent.lengthComputable ? sent.loaded / sent.total : 0;
      chosen.textContent = sent.loaded === sent.total ? "Sent. It is being checked, compiled and tried." : "Sending.";
    });
    request.addEventListener("loadend", () => {
      button.disabled = false;
      progress.hidden = true;
      show();
      if (request.status === 0) {
        say("The server could not be reached. Nothing was uploaded; try again.");
        return;
      }
      const answer = new DOMParser().parseFromString(request.responseText, "text/html");
      const result = answer.getElementById("upload-result");
      if (request.status < 400 || !result) {
        location.assign(request.status < 400 ? request.responseURL : "/plugins");
        return;
      }
      document.getElementById("upload-result").replaceWith(document.adoptNode(result));
      // What was compiled before it was refused stays to be seen.
      const all = answer.getElementById("all-plugins");
      if (all) {
        document.getElementById("all-plugins")?.replaceWith(document.adoptNode(all));
      }
    });
    request.open("POST", form.getAttribute("action"));
    request.send(new FormData(form));
  });
}

function say(text) {
  const notice = document.createElement("p");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  document.getElementById("upload-result").replaceChildren(notice);
}

function makeTail(log) {
  const live = document.getElementById("live");
  let follow = log.dataset.follow;
  live.closest("label").hidden = false;

  async function ask() {
    const query = new URLSearchParams({ after: follow, level: log.dataset.level, version: log.dataset.version });
    const answer = await fetch(`${log.dataset.lines}?${query}`);
    if (!answer.ok || answer.redirected) {
      live.checked = false;
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const later = page.querySelector("[data-follow]");
    follow = later.dataset.follow;
    // They come oldest first, and the newest stands at the top.
    for (const line of [...later.children]) {
      log.prepend(document.adoptNode(line));
    }
    document.getElementById("no-lines")?.toggleAttribute("hidden", log.children.length > 0);
    while (log.children.length > 500) {
      log.lastElementChild.remove();
    }
  }

  async function go() {
    while (live.checked) {
      try {
        await ask();
      } catch {
        // The server is away for a moment: the next question finds it again.
      }
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
  live.addEventListener("change", go);
}
