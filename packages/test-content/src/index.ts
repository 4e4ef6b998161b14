export {
  type GoldenDescriptor,
  type GoldenLayer,
  type GoldenRun,
  type GoldenZtoc,
  goldenLayerPath,
  goldenLayoutPath,
  readGoldenLayer,
  readGoldenLayers,
  readGoldenRuns,
} from './golden.ts';
export { hasProgram } from './programs.ts';
export { Random } from './random.ts';
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
