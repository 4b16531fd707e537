// What the browser does for Try it: the chosen file and its preview, the microphone, the box of a face.
(() => {
  const LONGEST_MS = 20000; // of a recording by the microphone
  let recorder = null;
  let address = null; // of the file in the preview

  const byId = (id) => document.getElementById(id);
  const say = (text) => { byId("trial-microphone").textContent = text; };

  const clear = () => {
    if (address) URL.revokeObjectURL(address);
    address = null;
    byId("trial-preview").replaceChildren();
  };

  const preview = (file) => {
    clear();
    const tag = { image: "img", audio: "audio", video: "video" }[file.type.split("/")[0]];
    if (!tag) return;
    const element = document.createElement(tag);
    if (tag === "img") element.alt = "The chosen picture";
    else element.controls = true;
    element.setAttribute("aria-label", "The chosen file");
    address = element.src = URL.createObjectURL(file);
    byId("trial-preview").append(element);
  };

  const choose = (uploader, file) => {
    if (!file) return;
    preview(file);
    getElement(uploader).$refs.qRef.addFiles([file]);
  };

  const record = async (uploader) => {
    if (recorder) return recorder.stop();
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      return say("The microphone cannot be used: permit it in the browser, and open this page by HTTPS or on localhost.");
    }
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      const type = recorder.mimeType.split(";")[0];
      recorder = null;
      stream.getTracks().forEach((track) => track.stop());
      say("");
      choose(uploader, new File(parts, "microphone", { type }));
    };
    const own = recorder;
    setTimeout(() => { if (recorder === own) own.stop(); }, LONGEST_MS);
    recorder.start();
    say("Recording, 20 seconds at most; press Microphone again to stop.");
  };

  // `face` is in shares of the picture's width and height.
  const box = (face) => {
    byId("trial-preview").querySelector(".trial-box")?.remove();
    if (!face || !byId("trial-preview").querySelector("img")) return;
    const element = document.createElement("div");
    element.className = "trial-box";
    for (const side of ["left", "top", "width", "height"]) element.style[side] = `${100 * face[side]}%`;
    byId("trial-preview").append(element);
  };

  window.affectTrial = { choose, record, box, clear };
})();
