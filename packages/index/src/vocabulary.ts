// Media types and annotations of SOCI indexes, as defined by soci-snapshotter v0.16.1 (soci/soci_index.go).

/** Artifact type of a v1 SOCI index. Clients find it through the referrers API by its `subject`. */
export const MEDIA_TYPE_SOCI_INDEX_V1 = 'application/vnd.amazon.soci.index.v1+json';
/** Artifact type of a v2 SOCI index. The image index lists it next to its image manifest. */
export const MEDIA_TYPE_SOCI_INDEX_V2 = 'application/vnd.amazon.soci.index.v2+json';
/** Media type of a zTOC. */
export const MEDIA_TYPE_ZTOC = 'application/octet-stream';
/** Media type of a prefetch artifact: the spans of a layer to fetch first. */
export const MEDIA_TYPE_PREFETCH = 'application/vnd.amazon.soci.prefetch.v1+json';

/** Tag of the manifest that stored profiles refer to. It never moves. */
export const PROFILE_TAG = 'soci-profile';
/** Type of the manifest that stored profiles refer to: media type of its configuration. docs/formats.md describes it. */
export const MEDIA_TYPE_PROFILE_ANCHOR = 'application/vnd.soci-index-builder.profile-anchor.v1+json';
/** Type of the manifest of a stored profile: media type of its configuration. */
export const MEDIA_TYPE_PROFILE = 'application/vnd.soci-index-builder.profile.v1+json';
/** Media type of the profile in the manifest of a stored profile. */
export const MEDIA_TYPE_PROFILE_CONTENT = 'application/vnd.soci-index-builder.profile.content.v1+json';

/** On a zTOC's descriptor: media type of its layer. */
export const ANNOTATION_LAYER_MEDIA_TYPE = 'com.amazon.soci.image-layer-mediaType';
/** On a zTOC's or prefetch artifact's descriptor: digest of its layer. */
export const ANNOTATION_LAYER_DIGEST = 'com.amazon.soci.image-layer-digest';
/** On a zTOC's descriptor: span size in bytes. */
export const ANNOTATION_SPAN_SIZE = 'com.amazon.soci.span-size';
/** On a zTOC's descriptor: `true` if the layer has no extended attributes. */
export const ANNOTATION_DISABLE_XATTRS = 'com.amazon.soci.disable-xattrs';
/** On a SOCI index: name of the tool that built it. */
export const ANNOTATION_BUILD_TOOL_IDENTIFIER = 'com.amazon.soci.build-tool-identifier';
/** On an image manifest and its descriptor: digest of its v2 SOCI index. */
export const ANNOTATION_INDEX_DIGEST = 'com.amazon.soci.index-digest';
/** On a v2 SOCI index's descriptor in an image index: digest of its image manifest. */
export const ANNOTATION_IMAGE_MANIFEST_DIGEST = 'com.amazon.soci.image-manifest-digest';

/** BuildKit, on the descriptor of an attestation: `attestation-manifest`. */
export const ANNOTATION_REFERENCE_TYPE = 'vnd.docker.reference.type';
/** BuildKit, on the descriptor of an attestation: digest of the attested manifest. */
export const ANNOTATION_REFERENCE_DIGEST = 'vnd.docker.reference.digest';
/** Value of {@link ANNOTATION_REFERENCE_TYPE} for an attestation. */
export const ATTESTATION_MANIFEST = 'attestation-manifest';

/**
 * On the descriptor of a zTOC that this project built with the span size `auto`: digest of what the profile reads in the layer.
 * docs/formats.md describes it.
 */
export const ANNOTATION_READS_DIGEST = 'io.github.soci-index-builder.reads-digest';

// Provenance annotations that this project adds to the root of a SOCI-enabled image and to a v1 SOCI index, unless `compat`
// is set. docs/formats.md describes them.

/** Prefix of the provenance annotations. */
export const ANNOTATION_PREFIX = 'io.github.soci-index-builder.';
/** Version of the provenance annotations: `1`. */
export const ANNOTATION_SCHEMA_VERSION = `${ANNOTATION_PREFIX}schema-version`;
/** Digest of the source image; on a v1 index, digest of the image manifest. */
export const ANNOTATION_SOURCE_DIGEST = `${ANNOTATION_PREFIX}source-digest`;
/** Digest of the settings that determine the content of the index. */
export const ANNOTATION_SETTINGS_DIGEST = `${ANNOTATION_PREFIX}settings-digest`;
/** Version of `@soci/index` that built the index; informational. */
export const ANNOTATION_TOOL_VERSION = `${ANNOTATION_PREFIX}tool-version`;
