import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertImage, DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { text, valueOption } from '../arguments/option.ts';
import { defineCommand } from '../command.ts';
import { type DemoImage, prepareDemoImage } from '../demo/demo-image.ts';
import { demoAsJson, printDemo } from '../demo/demo-report.ts';
import { proveReadable } from '../demo/prove-readable.ts';
import { EXIT } from '../exit-code.ts';
import { indexInto } from '../image/index-into.ts';
import { printOutcome } from '../image/print-outcome.ts';
import { type ImageLocation, parseLocation } from '../transports/location.ts';

export const demo = defineCommand({
  name: 'demo',
  summary: 'see it work: index an image made of this machine’s own files, prove it, and report',
  details: [
    'Without SRC an image of more than 100 MB is made of what Node has installed here and of the node_modules of the ' +
      'current folder; later runs use it again. With SRC your own image is indexed. Everything is written below --dir.',
  ],
  operands: [{ name: 'SRC', help: 'your own image: oci:DIR[:TAG] or oci-archive:FILE[:TAG]', optional: true }],
  options: {
    dir: valueOption(
      'DIR',
      text,
      'where to keep the images (default: soci-index-demo in the folder for temporary files)',
    ),
  },
  examples: [
    { purpose: 'an image of this machine', line: 'demo' },
    { purpose: 'your own image', line: 'demo oci:app:v1' },
  ],
  async run({ operands: [from], options }, context) {
    const { output } = context;
    const dir = options.dir ?? join(tmpdir(), 'soci-index-demo');
    const source = from === undefined ? undefined : parseLocation(from);
    const made = source === undefined ? await prepareDemoImage(dir, context) : undefined;
    const image: ImageLocation = source ?? layoutAt((made as DemoImage).folder);
    const destination = layoutAt(join(dir, 'soci'));
    await rm(destination.path, { recursive: true, force: true });

    const { result, seconds } = await indexInto(
      {
        source: image,
        destination,
        options: {},
        build: ({ store, root }, given) => convertImage(store, root, given),
        verify: undefined,
        roots: ({ root }) => [{ target: root, reference: 'latest' }],
      },
      context,
    );
    if (result.outcome === 'nothing-to-index') {
      const minLayerSize = DEFAULT_MIN_LAYER_SIZE;
      const nothing = { result, source: image.text, destination: '', made: [], json: {}, verification: undefined };
      return printOutcome({ ...nothing, seconds, minLayerSize }, output);
    }
    const proof = await proveReadable(destination, context);
    const report = { made, source: image, destination, result, seconds, proof };
    if (output.json) await output.writeJson(demoAsJson(report));
    else if (output.quiet) await output.writeLine(result.root.digest);
    else await printDemo(report, output);
    return proof.verification.isValid ? EXIT.DONE : EXIT.FAILED;
  },
});

function layoutAt(path: string): ImageLocation {
  return { transport: 'oci', path, reference: 'latest', text: `oci:${path}:latest` };
}
