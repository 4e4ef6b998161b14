export type { BasicCredentials } from './auth/basic-gate.ts';
export { TestRegistryError, type TestRegistryErrorCode } from './errors.ts';
export type { EcrImageActionEvent } from './events.ts';
export type { Fault, FaultCondition, FaultRule, InjectedFault } from './faults/fault-rule.ts';
export type { PortName, RequestRecord } from './http/request-record.ts';
export type { TestRegistryOptions } from './options.ts';
export { startTestRegistry } from './start-test-registry.ts';
export type { TestRegistry } from './test-registry.ts';
