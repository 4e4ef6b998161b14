import { REPORTS } from '../run-report.ts';
import { unpackFunctions } from './bundle/unpacked.ts';

/** Deletes earlier measurements and unpacks the functions. */
export default function setUp(): void {
  REPORTS.lambda.clear();
  unpackFunctions();
}
