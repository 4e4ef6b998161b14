export type { BasicCredentials } from './auth/access-policy.ts';
export type { AuthOption, BearerAuth } from './auth/authenticator.ts';
export { TestRegistryError, type TestRegistryErrorCode } from './errors.ts';
export type { EcrImageActionEvent } from './events.ts';
export type { Fault, FaultCondition, FaultRule, InjectedFault, PortName, RequestRecord } from './http/faults.ts';
export { Pacer } from './http/pacer.ts';
export { startTestRegistry } from './start-test-registry.ts';
export type { TestRegistry, TestRegistryOptions } from './test-registry.ts';
