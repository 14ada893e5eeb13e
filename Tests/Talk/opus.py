"""libopus by ctypes: packets to samples and back, mono at 24 kHz."""
import ctypes
import ctypes.util

import numpy

RATE = 24_000
FRAME = RATE // 50
PACKET_MOST = 4_000
FRAMES_MOST = RATE * 120 // 1000  # the longest packet there is

_name = ctypes.util.find_library("opus") or "libopus.so.0"
_opus = ctypes.CDLL(_name)
_opus.opus_decoder_create.restype = ctypes.c_void_p
_opus.opus_decoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
_opus.opus_decode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
_opus.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
_opus.opus_encoder_create.restype = ctypes.c_void_p
_opus.opus_encoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
_opus.opus_encode.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int32]
_opus.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
VOIP = 2048


class Decoder:
    def __init__(self):
        error = ctypes.c_int()
        self.state = _opus.opus_decoder_create(RATE, 1, ctypes.byref(error))
        if error.value:
            raise RuntimeError(f"opus_decoder_create: {error.value}")

    def decode(self, packet):
        """int16 samples of one packet; None when it is broken."""
        samples = numpy.empty(FRAMES_MOST, numpy.int16)
        count = _opus.opus_decode(self.state, packet, len(packet), samples.ctypes.data, FRAMES_MOST, 0)
        return samples[:count] if count > 0 else None

    def __del__(self):
        _opus.opus_decoder_destroy(self.state)


class Encoder:
    def __init__(self):
        error = ctypes.c_int()
        self.state = _opus.opus_encoder_create(RATE, 1, VOIP, ctypes.byref(error))
        if error.value:
            raise RuntimeError(f"opus_encoder_create: {error.value}")

    def encode(self, frame):
        """The packet of 480 int16 samples."""
        packet = ctypes.create_string_buffer(PACKET_MOST)
        frame = numpy.ascontiguousarray(frame, numpy.int16)
        count = _opus.opus_encode(self.state, frame.ctypes.data, FRAME, packet, PACKET_MOST)
        if count < 0:
            raise RuntimeError(f"opus_encode: {count}")
        return packet.raw[:count]

    def __del__(self):
        _opus.opus_encoder_destroy(self.state)
