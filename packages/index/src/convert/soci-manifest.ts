import { bareDescriptor, type Descriptor, digestOf, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { encodeStruct } from '../go-json/encode.ts';
import { MANIFEST } from '../go-json/image-spec.ts';
import type { BuiltLayer, KnownZtoc } from '../layers/build-layer.ts';
import { type LayerPlan, taskKey } from '../layers/layer-plan.ts';
import { joinSpans, type PrefetchSpan } from '../layers/prefetch-spans.ts';
import type { ResolvedOptions } from '../options.ts';
import {
  ANNOTATION_BUILD_TOOL_IDENTIFIER,
  ANNOTATION_DISABLE_XATTRS,
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_LAYER_MEDIA_TYPE,
  ANNOTATION_SPAN_SIZE,
  MEDIA_TYPE_PREFETCH,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
  MEDIA_TYPE_ZTOC,
} from '../vocabulary.ts';
import { describeProvenance, type ProvenanceAnnotations } from './provenance.ts';

/** What a piece of content is for. */
export type ArtifactKind = 'ztoc' | 'prefetch' | 'soci-config' | 'soci-index' | 'image-manifest' | 'image-index';

/** A piece of content that was made, to be pushed under its descriptor. */
export interface Artifact {
  readonly kind: ArtifactKind;
  readonly descriptor: Descriptor;
  readonly content: Uint8Array;
}

const utf8 = new TextEncoder();

/** The configuration of every SOCI index: registries want one, nobody reads it. */
export const EMPTY_CONFIG = utf8.encode('{}');

/** A SOCI index manifest and what it refers to, leaves first. */
export interface AssembledIndex {
  readonly descriptor: Descriptor;
  readonly artifacts: readonly Artifact[];
}

/** What a SOCI index says of a zTOC, and what its prefetch artifacts say of the layer. */
export type ZtocFacts = Pick<KnownZtoc, 'ztocDigest' | 'ztocSize' | 'hasXattrs' | 'prefetch'>;

/** What the zTOCs of one manifest are made into a SOCI index with. */
export interface SociIndexInput<Ztoc extends ZtocFacts = ZtocFacts> {
  readonly version: 1 | 2;
  /** The image manifest that a v1 index refers to. */
  readonly subject: Descriptor;
  readonly layers: readonly LayerPlan[];
  /** The zTOCs, by the key of their task. */
  readonly ztocs: ReadonlyMap<string, Ztoc>;
  readonly options: ResolvedOptions;
  /** Annotations of provenance that a v1 index gets. @default those of this run */
  readonly provenance?: ProvenanceAnnotations;
}

/** Writes the SOCI index of one image manifest, or undefined where none of its layers is indexed (soci/soci_index.go, `build`). */
export function writeSociIndex<Ztoc extends ZtocFacts>(input: SociIndexInput<Ztoc>) {
  const { version, subject, options } = input;
  const provenance = () => input.provenance ?? describeProvenance(subject.digest, version, options);
  const ztocs = describeZtocs(input);
  if (ztocs.length === 0) return undefined;
  const prefetches = describePrefetches(input);
  const artifactType = version === 1 ? MEDIA_TYPE_SOCI_INDEX_V1 : MEDIA_TYPE_SOCI_INDEX_V2;
  const config = describeContent(artifactType, EMPTY_CONFIG);
  const content = encodeStruct(MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    config,
    layers: [...ztocs, ...prefetches].map(({ descriptor }) => descriptor),
    ...(version === 1 && { subject: bareDescriptor(subject) }),
    annotations: {
      [ANNOTATION_BUILD_TOOL_IDENTIFIER]: options.buildToolIdentifier,
      ...(version === 1 && !options.isCompat && provenance()),
    },
  });
  const descriptor = { ...describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, content), artifactType };
  return { descriptor, content, config, ztocs, prefetches };
}

/** Writes the SOCI index of one image manifest, and lists what is to be pushed with it. */
export function assembleSociIndex(input: SociIndexInput<BuiltLayer>): AssembledIndex | undefined {
  const index = writeSociIndex(input);
  if (index === undefined) return undefined;
  const { descriptor, content, config, ztocs, prefetches } = index;
  return {
    descriptor,
    artifacts: [
      ...ztocs.map((each) => ({ kind: 'ztoc' as const, descriptor: each.descriptor, content: each.ztoc.ztoc })),
      ...prefetches.map((prefetch) => ({ kind: 'prefetch' as const, ...prefetch })),
      { kind: 'soci-config', descriptor: config, content: EMPTY_CONFIG },
      { kind: 'soci-index', descriptor, content },
    ],
  };
}

/** The descriptor of some content. */
export function describeContent(mediaType: string, content: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(content), size: content.length };
}

function describeZtocs<Ztoc extends ZtocFacts>({ layers, ztocs, options }: SociIndexInput<Ztoc>) {
  return layers.flatMap((layer) => {
    const ztoc = 'task' in layer ? ztocs.get(taskKey(layer.task)) : undefined;
    if (ztoc === undefined) return [];
    const annotations = {
      [ANNOTATION_LAYER_MEDIA_TYPE]: layer.descriptor.mediaType,
      [ANNOTATION_LAYER_DIGEST]: layer.descriptor.digest,
      [ANNOTATION_SPAN_SIZE]: String(options.spanSize),
      ...(options.markMissingXattrs && !ztoc.hasXattrs && { [ANNOTATION_DISABLE_XATTRS]: 'true' }),
    };
    const content = { mediaType: MEDIA_TYPE_ZTOC, digest: ztoc.ztocDigest, size: ztoc.ztocSize };
    return [{ descriptor: { ...content, annotations }, ztoc }];
  });
}

/** soci/soci_index.go, `buildPrefetchLayer`; soci/prefetch.go. */
function describePrefetches(input: SociIndexInput) {
  const spansByLayer = collectPrefetchSpans(input);
  return input.layers.flatMap(({ descriptor: { digest } }) => {
    const spans = spansByLayer.get(digest);
    if (spans === undefined) return [];
    const list = joinSpans(spans).map(({ start, end }) => `{"start_span":${start},"end_span":${end}}`);
    const content = utf8.encode(`{"version":"1.0","prefetch_spans":[${list.join(',')}]}`);
    const descriptor = {
      ...describeContent(MEDIA_TYPE_PREFETCH, content),
      annotations: { [ANNOTATION_LAYER_DIGEST]: digest },
    };
    return [{ descriptor, content }];
  });
}

/** Takes each file from the topmost layer that has it. */
function collectPrefetchSpans({ layers, ztocs, options }: SociIndexInput): Map<string, PrefetchSpan[]> {
  const spansByLayer = new Map<string, PrefetchSpan[]>();
  for (const position of options.prefetchFiles.keys()) {
    for (const layer of layers.toReversed()) {
      const found = 'task' in layer ? ztocs.get(taskKey(layer.task))?.prefetch[position] : undefined;
      if (found === undefined || found === null) continue;
      const { digest } = layer.descriptor;
      spansByLayer.set(digest, [...(spansByLayer.get(digest) ?? []), found]);
      break;
    }
  }
  return spansByLayer;
}

/** Leaves out content that stands in a list already, so that each piece is pushed once. */
export function dropRepeated(artifacts: readonly Artifact[]): readonly Artifact[] {
  const seen = new Set<string>();
  return artifacts.filter(({ descriptor: { digest } }) => !seen.has(digest) && seen.add(digest));
}
