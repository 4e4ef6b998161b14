import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { DEFAULT_MIN_LAYER_SIZE, type NothingToIndex } from '@soci/index';
import { text, valueOption } from '../arguments/option.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../arguments/registry-options.ts';
import { defineCommand } from '../command.ts';
import { prepareDemoImage } from '../demo/demo-image.ts';
import { startDemoRegistry } from '../demo/demo-registry.ts';
import {
  printCosts,
  printLayers,
  suggestNext,
  tellAgain,
  tellImage,
  tellIndexed,
  tellProof,
  tellPush,
  tellReading,
} from '../demo/demo-report.ts';
import { proveReadable } from '../demo/prove-readable.ts';
import { RegistryRound, stepAsJson } from '../demo/registry-round.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { reportAsJson } from '../image/index-report.ts';
import { printOutcome } from '../image/print-outcome.ts';
import { countRead } from '../image/verify-indexes.ts';
import type { Output } from '../terminal/output.ts';
import { IMAGE_FORMS, type LayoutLocation, parseLocation } from '../transports/location.ts';

export const demo = defineCommand({
  name: 'demo',
  summary: "see it work: index an image made of this machine's own files in a registry, prove it, and report",
  details: [
    'Without SRC an image of more than 100 MB is made of what Node has installed here and of the node_modules of the ' +
      'current folder; later runs use it again. With SRC your own image is indexed. It is pushed to a registry that runs ' +
      'on this machine as long as the demonstration does, and behaves as Amazon ECR; there it is converted. What is kept is ' +
      'written below --dir.',
  ],
  operands: [{ name: 'SRC', help: `your own image: ${IMAGE_FORMS}`, optional: true }],
  options: {
    dir: valueOption(
      'DIR',
      text,
      'where to keep the images; below node_modules/.cache, or with the temporary files, by default',
    ),
    ...REGISTRY_OPTIONS,
  },
  examples: [
    { purpose: 'an image of this machine', line: 'demo' },
    { purpose: 'your own image', line: 'demo oci:app:v1' },
  ],
  async run({ operands: [from], options }, context) {
    const { output } = context;
    const isTold = !output.json && !output.quiet;
    const dir = shortestPath(options.dir ?? defaultFolder());
    const own = from === undefined ? undefined : parseLocation(from);
    const access = await toRegistryAccess(options, own ? [own] : [], context);
    const made = own === undefined ? await prepareDemoImage(dir, context) : undefined;
    const source = own ?? layoutAt(join(dir, 'image'));
    const kept = layoutAt(join(dir, 'soci'));
    await mkdir(dir, { recursive: true });
    await rm(kept.path, { recursive: true, force: true });
    if (made && isTold) await tellImage(made, output);

    const registry = await startDemoRegistry((line) => output.trace(line));
    try {
      const round = new RegistryRound(registry, context);
      const push = await round.push(source, access);
      if (isTold) await tellPush(push, round.image.text, output);
      const { step: index, result } = await round.convert();
      if (result?.outcome !== 'indexed') return await tellNothing(result, source.text, index.seconds, output);
      if (isTold) await tellIndexed(result, index, round.converted.text, output);
      const proof = await proveReadable(round.converted, registry.access, context);
      await registry.traffic();
      const { step: again } = await round.convert();
      const [first] = proof.costs;
      const read = first && (await round.readFile(first.name));
      await round.pull(source, kept, access);
      const { isValid } = proof.verification;

      if (output.json) {
        await output.writeJson({
          source: source.text,
          destination: kept.text,
          root: result.root,
          ...reportAsJson(result),
          verified: { valid: isValid, ...countRead(proof.verification) },
          reading: proof.costs,
          registry: {
            image: round.image.text,
            converted: round.converted.text,
            push: stepAsJson(push),
            index: stepAsJson(index),
            again: stepAsJson(again),
            ...(read && { cat: stepAsJson(read) }),
          },
          seconds: Number(index.seconds.toFixed(3)),
        });
      } else if (output.quiet) {
        await output.writeLine(result.root.digest);
      } else {
        await tellProof(proof, output);
        await tellAgain(again, output);
        if (first && read) await tellReading(first, read, result, output);
        await printLayers(result, made?.titles ?? [], output);
        await printCosts(result, proof.costs, output);
        await suggestNext(kept.path, first?.name, output);
      }
      return isValid ? EXIT.DONE : EXIT.FAILED;
    } finally {
      await registry.stop();
    }
  },
});

/** Says why an image was not indexed. */
function tellNothing(
  result: NothingToIndex | undefined,
  source: string,
  seconds: number,
  output: Output,
): Promise<ExitCode> {
  if (result === undefined) throw new Error(`${source} is converted already, in a registry that is empty`);
  const report = { result, source, destination: '', made: [], json: {}, verification: undefined };
  return printOutcome({ ...report, seconds, minLayerSize: DEFAULT_MIN_LAYER_SIZE }, output);
}

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

function layoutAt(path: string): LayoutLocation {
  return { transport: 'oci', path, reference: 'latest', text: `oci:${path}:latest` };
}
