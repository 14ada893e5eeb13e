"""Speech for the fake microphone, and how alike two sounds are."""
import pathlib
import wave

import numpy

RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources/Simulators/Resources"


def mulaw(data):
    """Samples from -1 to 1 of G.711 bytes."""
    code = ~numpy.frombuffer(data, numpy.uint8) & 0xFF
    magnitude = ((((code & 0x0F).astype(int) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84
    return numpy.where(code & 0x80, -magnitude, magnitude) / 32768


def chunk(data, name):
    """The bytes of one chunk of a RIFF file."""
    at = 12
    while at < len(data):
        size = int.from_bytes(data[at + 4:at + 8], "little")
        if data[at:at + 4] == name:
            return data[at + 8:at + 8 + size]
        at += 8 + size + (size & 1)
    raise ValueError(f"no chunk {name}")


def speech(name):
    """Somebody speaking, at 8 kHz, from what the phone simulator says."""
    return mulaw(chunk((RESOURCES / f"{name}.wav").read_bytes(), b"data"))


def resample(samples, source, target):
    """By way of the spectrum: exact for what is below half of both rates."""
    count = len(samples) * target // source
    spectrum = numpy.fft.rfft(samples)
    wanted = numpy.zeros(count // 2 + 1, complex)
    kept = min(len(spectrum), len(wanted))
    wanted[:kept] = spectrum[:kept]
    return numpy.fft.irfft(wanted, count) * target / source


def write(path, samples, rate):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def found(needle, hay):
    """The highest normalised correlation of one sound with any part of another of the same rate, from 0 to 1."""
    needle = needle - needle.mean()
    size = 1 << (len(needle) + len(hay)).bit_length()
    product = numpy.fft.irfft(numpy.fft.rfft(hay, size) * numpy.conj(numpy.fft.rfft(needle, size)), size)
    places = len(hay) - len(needle) + 1
    if places < 1:
        raise ValueError(f"{len(hay)} samples are too few to find {len(needle)} in")
    energies = numpy.cumsum(numpy.concatenate([[0], hay * hay]))
    energy = energies[len(needle):] - energies[:-len(needle)]
    energy = numpy.maximum(energy, energy.max() * 1e-3)
    return float(numpy.max(numpy.abs(product[:places]) / numpy.sqrt(energy * (needle @ needle))))


def likeness(needle, hay):
    """How well the half seconds of one sound at 8 kHz are found in another, from 0 to 1, each weighted by its energy: where a
    busy machine let the microphone or the loudspeaker wait, what follows is later, and still the same."""
    pieces = [needle[at:at + 4_000] for at in range(0, len(needle) - 3_999, 4_000)]
    return float(numpy.average([found(piece, hay) for piece in pieces], weights=[piece @ piece for piece in pieces]))


def rms(samples):
    return float(numpy.sqrt(numpy.mean(numpy.square(samples)))) if len(samples) else 0.0
