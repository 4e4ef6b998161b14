import { digestOf, OCI_IMAGE_MANIFEST } from '@soci/oci';
import type { Artifact } from './artifact.ts';
import { type DescriptorStruct, encodeManifest, plainDescriptor, toDescriptor } from './image/structs.ts';
import type { BuiltLayer } from './layers/build-layer.ts';
import { type LayerPlan, taskKey } from './layers/layer-plan.ts';
import { joinSpans, type PrefetchSpan } from './layers/prefetch-spans.ts';
import type { ResolvedOptions } from './options.ts';
import {
  BUILD_TOOL_IDENTIFIER,
  DISABLE_XATTRS,
  LAYER_DIGEST,
  LAYER_MEDIA_TYPE,
  PREFETCH,
  SOCI_INDEX_V1,
  SOCI_INDEX_V2,
  SPAN_SIZE,
  ZTOC,
} from './vocabulary.ts';

const utf8 = new TextEncoder();

/** The configuration of every SOCI index: registries want one, nobody reads it. */
const EMPTY_CONFIG = utf8.encode('{}');

/** A SOCI index manifest and what it refers to, leaves first. */
export interface AssembledIndex {
  readonly descriptor: DescriptorStruct;
  readonly artifacts: readonly Artifact[];
}

/** What the zTOCs of one manifest are made into a SOCI index with. */
export interface AssemblyInput {
  readonly version: 1 | 2;
  /** The image manifest that a v1 index refers to. */
  readonly subject: DescriptorStruct;
  readonly layers: readonly LayerPlan[];
  /** The zTOCs, by the key of their task. */
  readonly built: ReadonlyMap<string, BuiltLayer>;
  readonly options: Pick<ResolvedOptions, 'spanSize' | 'buildToolIdentifier' | 'markMissingXattrs' | 'prefetchFiles'>;
}

/** Assembles the SOCI index of one image manifest, or undefined where none of its layers is indexed (soci/soci_index.go, `build`). */
export function assembleSociIndex(input: AssemblyInput): AssembledIndex | undefined {
  const { version, subject, options } = input;
  const ztocs = describeZtocs(input);
  if (ztocs.length === 0) return undefined;
  const blobs = [...ztocs, ...describePrefetches(input)];
  const artifactType = version === 1 ? SOCI_INDEX_V1 : SOCI_INDEX_V2;
  const config = plainDescriptor(artifactType, digestOf(EMPTY_CONFIG), EMPTY_CONFIG.length);
  const content = encodeManifest({
    schemaVersion: 2,
    mediaType: OCI_IMAGE_MANIFEST,
    artifactType: '',
    config,
    layers: blobs.map(({ descriptor }) => descriptor),
    subject: version === 1 ? plainDescriptor(subject.mediaType, subject.digest, subject.size) : null,
    annotations: new Map([[BUILD_TOOL_IDENTIFIER, options.buildToolIdentifier]]),
  });
  const descriptor = { ...plainDescriptor(OCI_IMAGE_MANIFEST, digestOf(content), content.length), artifactType };
  return {
    descriptor,
    artifacts: [
      ...blobs.map((blob) => ({ kind: blob.kind, descriptor: toDescriptor(blob.descriptor), content: blob.content })),
      { kind: 'soci-config', descriptor: toDescriptor(config), content: EMPTY_CONFIG },
      { kind: 'soci-index', descriptor: toDescriptor(descriptor), content },
    ],
  };
}

interface Blob {
  readonly kind: 'ztoc' | 'prefetch';
  readonly descriptor: DescriptorStruct;
  readonly content: Uint8Array;
}

function describeZtocs({ layers, built, options }: AssemblyInput): Blob[] {
  return layers.flatMap((layer) => {
    const ztoc = 'task' in layer ? built.get(taskKey(layer.task)) : undefined;
    if (ztoc === undefined) return [];
    const annotations = new Map([
      [LAYER_MEDIA_TYPE, layer.descriptor.mediaType],
      [LAYER_DIGEST, layer.descriptor.digest],
      [SPAN_SIZE, String(options.spanSize)],
    ]);
    if (options.markMissingXattrs && !ztoc.hasXattrs) annotations.set(DISABLE_XATTRS, 'true');
    const descriptor = { ...plainDescriptor(ZTOC, ztoc.ztocDigest, ztoc.ztoc.length), annotations };
    return [{ kind: 'ztoc', descriptor, content: ztoc.ztoc }];
  });
}

/** soci/soci_index.go, `buildPrefetchLayer`; soci/prefetch.go. */
function describePrefetches(input: AssemblyInput): Blob[] {
  const spansByLayer = collectPrefetchSpans(input);
  return input.layers.flatMap(({ descriptor: { digest } }) => {
    const spans = spansByLayer.get(digest);
    if (spans === undefined) return [];
    const list = joinSpans(spans).map(({ start, end }) => `{"start_span":${start},"end_span":${end}}`);
    const content = utf8.encode(`{"version":"1.0","prefetch_spans":[${list.join(',')}]}`);
    const descriptor = {
      ...plainDescriptor(PREFETCH, digestOf(content), content.length),
      annotations: new Map([[LAYER_DIGEST, digest]]),
    };
    return [{ kind: 'prefetch', descriptor, content }];
  });
}

/** Takes each file from the topmost layer that has it. */
function collectPrefetchSpans({ layers, built, options }: AssemblyInput): Map<string, PrefetchSpan[]> {
  const spansByLayer = new Map<string, PrefetchSpan[]>();
  for (const position of options.prefetchFiles.keys()) {
    for (const layer of layers.toReversed()) {
      const found = 'task' in layer ? built.get(taskKey(layer.task))?.prefetch[position] : undefined;
      if (found === undefined || found === null) continue;
      const { digest } = layer.descriptor;
      spansByLayer.set(digest, [...(spansByLayer.get(digest) ?? []), found]);
      break;
    }
  }
  return spansByLayer;
}
