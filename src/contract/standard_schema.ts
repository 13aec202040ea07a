/**
 * What a routine needs of a schema library: the Standard Schema interface, version 1, written out
 * here so that a contract imports nothing. Zod, Valibot, ArkType and others satisfy it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The library's side of Standard Schema. */
  readonly "~standard": {
    /** The version of the interface. */
    readonly version: 1;
    /** The library that made the schema. */
    readonly vendor: string;
    /** Checks a value, and may transform it. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Carries the types; never present at run time. */
    readonly types?: SchemaTypes<Input, Output> | undefined;
  };
}

/** The types a schema reads and makes. */
export interface SchemaTypes<Input, Output> {
  /** What the schema accepts: what a caller sends. */
  readonly input: Input;
  /** What the schema makes of it: what the routine gets. */
  readonly output: Output;
}

/** What a schema says about a value: the checked value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing a schema found wrong. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
