export { METADATA_BOMBS, manyEntries } from './bombs.ts';
export {
  type Content,
  type ContentDescriptor,
  collect,
  contentOf,
  describeContent,
  drain,
  jsonBytes,
  put,
  sha256,
  streamOf,
} from './content.ts';
export { dockerArchive, dockerLayoutArchive, type SavedImage, savedConfig } from './docker-archive.ts';
export { everythingIn } from './errors.ts';
export { LARGE_IMAGE, type LayerRecipe, USUAL_IMAGE } from './generated-image/layer.ts';
export { type WrittenImage, writeImage } from './generated-image/write-image.ts';
export {
  type GoldenLayer,
  type GoldenRun,
  goldenLayerPath,
  goldenLayoutNames,
  goldenLayoutPath,
  readGoldenLayer,
  readGoldenLayers,
  readGoldenRuns,
} from './golden.ts';
export { HOSTILE_TEXTS, unprintableIn } from './hostile-text.ts';
export {
  AMD64,
  ARM64,
  type ImageContent,
  makeAttestation,
  makeBrokenLayer,
  makeBuildKitAttestation,
  makeDockerImage,
  makeHelmChart,
  makeImage,
  makeIndex,
  makeLayer,
  makeManifest,
  makeSignature,
  makeZstdLayer,
  pushImage,
  putImage,
  putIndex,
  putLayer,
  S390X,
  smallImage,
} from './image.ts';
export {
  type CompressedLayer,
  compressInFrames,
  type LayeredImageOptions,
  makeLayeredImage,
  makeTextLayer,
  makeTextTar,
  makeZstdTextLayer,
  putLayeredImage,
} from './layered-image.ts';
export { findChromium, hasProgram } from './programs.ts';
export { noise, Random, seededRandom } from './random.ts';
export {
  type Bytes,
  bareHeader,
  base256,
  concat,
  type HeaderFields,
  paxHeader,
  paxRecord,
  TAR_END,
  tarChecksum,
  tarEntry,
  tarHeader,
  tarOf,
  tarPadding,
  toBytes,
} from './tar.ts';
