import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_LAYER_MEDIA_TYPE,
  ANNOTATION_SPAN_SIZE,
  MEDIA_TYPE_SOCI_INDEX_V2,
  MEDIA_TYPE_ZTOC,
} from '@soci/index';
import {
  type Descriptor,
  digestOf,
  type Fetcher,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  OciError,
} from '@soci/oci';
import { defineCommand, EXIT } from '../command/command.ts';
import { CliError } from '../errors.ts';
import { readZtocFile, type ZtocFile } from '../files/read-file.ts';
import { printVerification, verificationAsJson, verifyIndexes } from '../image/verify-indexes.ts';
import { wrapFileError } from '../terminal/describe-error.ts';

export const command = defineCommand({
  details: ['Makes the same checks as verify does for an image. Exits with 1 if anything differs.'],
  operands: [
    { name: 'ZTOC', help: 'zTOC file of the layer' },
    { name: 'LAYER', help: 'layer blob' },
  ],
  options: {},
  examples: [{ purpose: 'check that a zTOC belongs to a layer', line: 'ztoc verify layer.tar.gz.ztoc layer.tar.gz' }],
  async run({ operands: [ztocPath = '', layerPath = ''] }, { output, signal }) {
    const file = await readZtocFile(ztocPath, signal);
    const { size } = await stat(layerPath);
    if (size !== file.ztoc.compressedArchiveSize) {
      throw new CliError(
        'VERIFY_FAILED',
        `${ztocPath} belongs to a layer of ${file.ztoc.compressedArchiveSize} bytes, but ${layerPath} has ${size} bytes`,
      );
    }
    const progress = output.openProgress();
    try {
      const { store, index } = wrapAsIndex(file, layerPath, await digestFile(layerPath, signal));
      const verification = await verifyIndexes(store, [index], { signal, progress, totalSize: size });
      progress.close();
      if (output.json) {
        const { layers } = verificationAsJson(verification);
        await output.writeJson({
          ztoc: ztocPath,
          layer: layerPath,
          valid: verification.outcome === 'valid',
          ...layers[0],
        });
      } else await printVerification(verification, output);
      return verification.outcome === 'valid' ? EXIT.SUCCESS : EXIT.FAILED;
    } catch (error) {
      throw signal.aborted ? error : wrapFileError(layerPath, error);
    } finally {
      progress.close();
    }
  },
});

async function digestFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** Wraps a zTOC file and its layer in the input of `verifySociIndex`: a SOCI index with one zTOC, and a store. */
function wrapAsIndex(
  { ztoc, bytes }: ZtocFile,
  layerPath: string,
  layerDigest: string,
): { store: Fetcher; index: Descriptor } {
  const config = new TextEncoder().encode('{}');
  const manifest = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
      config: describe(MEDIA_TYPE_SOCI_INDEX_V2, config),
      layers: [
        {
          ...describe(MEDIA_TYPE_ZTOC, bytes),
          annotations: {
            [ANNOTATION_LAYER_DIGEST]: layerDigest,
            [ANNOTATION_LAYER_MEDIA_TYPE]:
              ztoc.compression === 'gzip' ? MEDIA_TYPE_OCI_LAYER_GZIP : MEDIA_TYPE_OCI_LAYER,
            // For display only: the span offsets are in the zTOC.
            [ANNOTATION_SPAN_SIZE]: '0',
          },
        },
      ],
    }),
  );
  const blobs = new Map([config, bytes, manifest].map((content) => [digestOf(content), content]));
  const store: Fetcher = {
    async *fetch({ digest }, options = {}) {
      const content = blobs.get(digest);
      if (content !== undefined) yield content;
      else if (digest === layerDigest) yield* createReadStream(layerPath, { highWaterMark: 1 << 20, ...options });
      else throw new OciError('NOT_FOUND', `${digest} not found`);
    },
  };
  return { store, index: describe(MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest) };
}

function describe(mediaType: string, content: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(content), size: content.length };
}
