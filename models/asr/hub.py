"""A transformers speech recogniser of the hub: seq2seq models such as Whisper, and those trained with CTC."""

import threading
from typing import Any

import torch
from transformers import AutoModelForCTC, AutoModelForSpeechSeq2Seq, AutoProcessor
from transformers.utils import logging

from affectstream.models.asr.recogniser import RATE_HZ, Floats
from affectstream.models.hub.classifier import FAULTS
from affectstream.models.hub.snapshot import Snapshot
from affectstream.schemas.errors import ModelError, Unavailable

MOST_TOKENS = 200  # of an utterance of ten seconds
LEAST_SAMPLES = RATE_HZ // 10  # shorter ones are less than one step of the networks


class HubRecogniser:
    """The network of a snapshot; greedy, so the same sound gives the same words."""

    def __init__(self, snapshot: Snapshot, language: str | None, device: str) -> None:
        """Read processor and weights onto ``device``; raises ModelError."""
        self.model_id, self._language, self._device = snapshot.model_id, language, device
        architectures = snapshot.config.get("architectures") or [""]
        self._ctc = str(architectures[0]).endswith("ForCTC")
        logging.disable_progress_bar()  # a worker's standard error carries its log
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._processor = AutoProcessor.from_pretrained(snapshot.folder, **where)
            auto = AutoModelForCTC if self._ctc else AutoModelForSpeechSeq2Seq
            network = auto.from_pretrained(
                snapshot.folder, use_safetensors=True, dtype=torch.float32, **where
            )
            self._network = network.eval().to(device)
        except (*FAULTS, AssertionError, NotImplementedError) as error:
            raise ModelError(
                f"{self.model_id} cannot be loaded as a speech recogniser ({type(error).__name__}): see that "
                "its config.json names a CTC or seq2seq model, and that its files are whole"
            ) from error
        self._one_at_a_time = threading.Lock()
        self._require_answer()

    def transcribe(self, samples: Floats) -> str:
        """Return the words in ``samples`` (n,) at 16 kHz."""
        if len(samples) < LEAST_SAMPLES:
            return ""
        with self._one_at_a_time, torch.inference_mode():
            inputs = self._processor(samples, sampling_rate=RATE_HZ, return_tensors="pt").to(self._device)
            try:
                ids = self._ids(inputs)
            except torch.AcceleratorError as error:
                raise Unavailable(
                    f"the device failed ({type(error).__name__}): restart the worker"
                ) from error
        return str(self._processor.batch_decode(ids, skip_special_tokens=True)[0]).strip()

    def _ids(self, inputs: Any) -> Any:
        if self._ctc:
            return self._network(**inputs).logits.argmax(dim=-1)
        options: dict[str, Any] = {"do_sample": False, "num_beams": 1, "max_new_tokens": MOST_TOKENS}
        if getattr(self._network.generation_config, "is_multilingual", False):
            options |= {"language": self._language, "task": "transcribe"}
        return self._network.generate(**inputs, **options)

    def _require_answer(self) -> None:
        """Raise ModelError where the network cannot read what its own processor makes."""
        try:
            self.transcribe(torch.zeros(RATE_HZ).numpy())
        except FAULTS as error:
            raise ModelError(
                f"{self.model_id} does not read what its own processor makes ({type(error).__name__})"
            ) from error
