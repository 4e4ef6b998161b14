import { unpackFunctions } from './bundle/unpacked.ts';
import { REPORT } from './report.ts';

/** Deletes earlier measurements and unpacks the functions. */
export default function setUp(): void {
  REPORT.clear();
  unpackFunctions();
}
