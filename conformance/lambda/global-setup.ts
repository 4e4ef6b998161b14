import { unpackFunctions } from './bundle/unpacked.ts';
import { REPORT } from './report.ts';

/** Before all tests: forgets what an earlier run has measured, and unpacks the functions. */
export default function setUp(): void {
  REPORT.clear();
  unpackFunctions();
}
