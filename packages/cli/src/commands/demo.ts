import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { convertImage, DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { text, valueOption } from '../arguments/option.ts';
import { defineCommand } from '../command.ts';
import { prepareDemoImage } from '../demo/demo-image.ts';
import { printCosts, printLayers, suggestNext, tellImage, tellIndexed, tellProof } from '../demo/demo-report.ts';
import { proveReadable } from '../demo/prove-readable.ts';
import { EXIT } from '../exit-code.ts';
import { indexInto } from '../image/index-into.ts';
import { reportAsJson } from '../image/index-report.ts';
import { printOutcome } from '../image/print-outcome.ts';
import { countRead } from '../image/verify-indexes.ts';
import { type ImageLocation, parseLocation } from '../transports/location.ts';

export const demo = defineCommand({
  name: 'demo',
  summary: "see it work: index an image made of this machine's own files, prove it, and report",
  details: [
    'Without SRC an image of more than 100 MB is made of what Node has installed here and of the node_modules of the ' +
      'current folder; later runs use it again. With SRC your own image is indexed. Everything is written below --dir.',
  ],
  operands: [{ name: 'SRC', help: 'your own image: oci:DIR[:TAG] or oci-archive:FILE[:TAG]', optional: true }],
  options: {
    dir: valueOption(
      'DIR',
      text,
      'where to keep the images; below node_modules/.cache, or with the temporary files, by default',
    ),
  },
  examples: [
    { purpose: 'an image of this machine', line: 'demo' },
    { purpose: 'your own image', line: 'demo oci:app:v1' },
  ],
  async run({ operands: [from], options }, context) {
    const { output } = context;
    const isTold = !output.json && !output.quiet;
    const dir = shortestPath(options.dir ?? defaultFolder());
    const made = from === undefined ? await prepareDemoImage(dir, context) : undefined;
    const source = made === undefined ? parseLocation(from ?? '') : layoutAt(made.folder);
    const destination = layoutAt(join(dir, 'soci'));
    await mkdir(dir, { recursive: true });
    await rm(destination.path, { recursive: true, force: true });
    if (made && isTold) await tellImage(made, output);

    const { result, seconds } = await indexInto(
      {
        source,
        destination,
        options: {},
        build: ({ store, root }, given) => convertImage(store, root, given),
        verify: undefined,
        roots: ({ root }) => [{ target: root, reference: 'latest' }],
      },
      context,
    );
    if (result.outcome === 'nothing-to-index') {
      const report = { result, source: source.text, destination: '', made: [], json: {}, verification: undefined };
      return printOutcome({ ...report, seconds, minLayerSize: DEFAULT_MIN_LAYER_SIZE }, output);
    }
    if (isTold) await tellIndexed(result, seconds, destination.path, output);
    const proof = await proveReadable(destination, context);
    const { isValid } = proof.verification;

    if (output.json) {
      await output.writeJson({
        source: source.text,
        destination: destination.text,
        root: result.root,
        ...reportAsJson(result),
        verified: { valid: isValid, ...countRead(proof.verification) },
        reading: proof.costs,
        seconds: Number(seconds.toFixed(3)),
      });
    } else if (output.quiet) {
      await output.writeLine(result.root.digest);
    } else {
      await tellProof(proof, output);
      await printLayers(result, made?.titles ?? [], output);
      await printCosts(result, proof.costs, output);
      await suggestNext(destination.path, proof.costs[0]?.name, output);
    }
    return isValid ? EXIT.DONE : EXIT.FAILED;
  },
});

/** Where other tools keep their caches too; elsewhere a folder that is this person's own. */
function defaultFolder(): string {
  if (existsSync('node_modules')) return join('node_modules', '.cache', 'soci-index-demo');
  return join(tmpdir(), `soci-index-demo-${userInfo().username}`);
}

/** Paths below the current folder are shown, and can be typed, as they are from here. */
function shortestPath(path: string): string {
  const fromHere = relative('.', path) || '.';
  return fromHere.startsWith('..') || isAbsolute(fromHere) ? path : fromHere;
}

function layoutAt(path: string): ImageLocation {
  return { transport: 'oci', path, reference: 'latest', text: `oci:${path}:latest` };
}
