// @ts-check
// Where a photo comes in: dropped, chosen, pasted, taken by the camera, or one of the samples.
(() => {
  "use strict";
  const { make } = FV;

  const REFUSED = "This browser does not give the page a camera; choose a file instead.";

  /** A live picture of the camera, until one is taken.
   * @param {(taken: HTMLCanvasElement) => void} take @param {(words: string) => void} fail */
  function camera(take, fail) {
    const video = make("video", { class: "fv-photo__video", autoplay: true, playsinline: true, "aria-label": "What the camera sees" });
    video.muted = true;
    const leave = () => {
      for (const track of /** @type {MediaStream | null} */ (video.srcObject)?.getTracks() ?? []) track.stop();
      video.srcObject = null;
      box.hidden = true;
      open.hidden = false;
      open.focus();
    };
    const shoot = make("button", {
      type: "button", class: "fv-photo__act", click: () => {
        const taken = make("canvas", { width: video.videoWidth, height: video.videoHeight });
        taken.getContext("2d")?.drawImage(video, 0, 0);
        leave();
        take(taken);
      },
    }, "Take the photo");
    const back = make("button", { type: "button", class: "fv-button", click: leave }, "Cancel");
    const box = make("div", { class: "fv-photo__camera", hidden: true }, video, make("span", {}, shoot, back));
    const open = make("button", {
      type: "button", class: "fv-photo__act", click: async () => {
        try {
          video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
        } catch {
          return fail(REFUSED);
        }
        [box.hidden, open.hidden] = [false, true];
        await video.play();
        shoot.focus();
      },
    }, "Use the camera");
    // A page from disk is given none by some browsers.
    if (!navigator.mediaDevices?.getUserMedia) open.hidden = true;
    return { open, box };
  }

  /** The picture among what was dropped or pasted. @param {DataTransfer | null} transfer */
  const picture = (transfer) => {
    const files = [...(transfer?.files ?? [])];
    return files.find(({ type }) => type.startsWith("image/")) ?? files[0];
  };

  /** @type {LivePage["door"]} */
  LivePage.door = (data, host, give, fail) => {
    const input = make("input", { type: "file", accept: "image/*", class: "fv-spoken", id: `${host.querySelector("figure")?.id}-file` });
    input.addEventListener("change", () => {
      const chosen = input.files?.[0];
      if (chosen) give(chosen, chosen.name);
      input.value = ""; // so that the same file can be chosen again
    });
    const choose = make("label", { class: "fv-photo__act", for: input.id }, "Choose a photo");
    const { open, box } = camera((taken) => give(taken, "photo from the camera"), fail);

    const sample = async (/** @type {string} */ name) => {
      const known = data.samples.find((one) => one.name === name);
      if (!known) return;
      const text = /** @type {unknown} */ (await FV.part(host, name));
      give(LivePage.file(String(text)), known.label);
    };
    const samples = data.samples.map(({ name, label, thumbnail }) =>
      make("button", { type: "button", class: "fv-photo__sample", click: () => sample(name) },
        make("img", { src: thumbnail, alt: "", width: 56, height: 56 }), label));
    const shelf = make("div", { class: "fv-photo__samples", role: "group", "aria-label": "Sample photos" },
      make("span", {}, "Or try"), ...samples);
    FV.rove(shelf, () => samples);

    const drop = (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      element.classList.toggle("fv-photo__door--over", event.type === "dragover");
      if (event.type !== "drop") return;
      const dropped = picture(event.dataTransfer);
      if (dropped) give(dropped, dropped.name);
      else fail("What was dropped is no file; drop a photo from a folder.");
    };
    for (const type of /** @type {const} */ (["dragover", "dragleave", "drop"])) host.addEventListener(type, drop);
    document.addEventListener("paste", (event) => {
      const pasted = picture(event.clipboardData);
      if (!pasted) return;
      event.preventDefault();
      give(pasted, "pasted photo");
    });

    const element = make("div", { class: "fv-photo__door" },
      make("div", { class: "fv-photo__ways" },
        make("p", {}, make("strong", {}, "Drop a photo here"), ", paste one, or"),
        make("span", {}, input, choose, open),
        make("p", { class: "fv-photo__private" }, "It never leaves this page: there is no server.")),
      shelf, box);
    return { element, sample };
  };
})();
