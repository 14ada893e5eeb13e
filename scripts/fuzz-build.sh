# Shared by scripts/fuzz.sh and scripts/coverage.sh: which targets there are and what each is built of.

FUZZ_TARGETS=(utf8 base64 ulaw ws http json twilio realtime ledger opus core)
FUZZ_CC=${FUZZ_CC:-clang}

core=CSources/CTrunk
codecs=("$core"/{base64,base64_sse,base64_avx2,base64_neon,http_head,json_scan,json_text,realtime,twilio,ulaw,utf8,ws}.c
    "$core"/{ledger,opus,pcm,reorder}.c)
opus=()
if pkg-config --exists opus; then opus=(-DTRK_WITH_OPUS $(pkg-config --cflags --libs opus)); fi

# fuzz_build TARGET OUTPUT FLAGS...
fuzz_build() {
    local target=$1 output=$2
    shift 2
    local sources=("Tests/Fuzz/fuzz_$target.c") defines=()
    case $target in
        json) sources+=(Tests/Fuzz/reference_json.c "${codecs[@]}") ;;
        core | refuse)
            sources=(Tests/Fuzz/fuzz_core*.c Tests/Fuzz/fake_*.c "$core"/*.c)
            # The core's own assertions count as findings; its thread is run in place, its memory and its descriptors can
            # run out.
            [ "$target" = core ] || sources+=(Tests/Fuzz/refuse_allocations.c)
            defines=(-DDEBUG -Dcalloc=fake_calloc -Dfcntl=fake_fcntl -Dpthread_create=fake_thread_create -Dpthread_join=fake_thread_join)
            ;;
        *) sources+=("${codecs[@]}") ;;
    esac
    "$FUZZ_CC" "$@" -std=c17 -D_GNU_SOURCE "${defines[@]}" -ICSources/CTrunk/include -ICSources/CTrunk -ITests/Fuzz \
        "${sources[@]}" "${opus[@]}" -lssl -lcrypto -lpthread -o "$output"
}

# The longest input: no shorter than what reaches a target's limits, no longer than pays.
fuzz_length() {
    case $1 in
        ledger | utf8) echo 1024 ;;
        core) echo 2048 ;;
        http) echo 3000 ;;
        *) echo 4096 ;;
    esac
}
