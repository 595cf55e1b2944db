#!/bin/sh
# What only a GPU can tell, as one command of about ten minutes: bench/gpu.sh FOLDER_OF_IMAGES OUT
# Training at batch 32 and 128 against the loop of diffusers' example, sampling against a plain loop, and a run on the
# images whose distance falls by step. SMALL=1 goes the same way on a processor, in small: it says whether all of it runs.
# The table of docs/training.md names the card; what no GPU has seen is called "not measured" there.
set -eu
[ $# -eq 2 ] || { sed -n 2p "$0" >&2; exit 2; }
images=$1 out=$2 python=${PYTHON:-python}
cd "$(dirname "$0")/.."
mkdir -p "$out"

if [ "${SMALL:-}" ]; then
  training="--preset tiny --seconds 1 --rounds 1 --files 8 --side 128" batches=4
  sampling="--no-database --batches 1 --steps 2 --ddpm-batch 0" run="--preset tiny --seconds 5 --batch 4 --grid 4 --checkpoints 2"
else
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | tee "$out/card.txt"
  training="--preset paper-256 --precision bf16 --compile --seconds 10 --rounds 3 --workers 8" batches="32 128"
  sampling="--no-database --compile" run="--preset paper-256 --precision bf16 --compile --batch 128 --seconds 120"
fi

# A pipe to tee would hide what went wrong before it.
say() { # file, script and its options
  file=$out/$1 && shift
  $python "$@" > "$file"
  cat "$file"
}

# Words are split on purpose: each variable holds several options.
for batch in $batches; do
  say "training-$batch.txt" bench/training.py $training --batch "$batch"
done
say sampling.txt bench/generation.py $sampling
say run.txt bench/real_run.py "$images" --out "$out/run" $run
