/** Whether the check of a bracket gives no reason to look at it. */
export const fine = (verdict) => [null, "covered", "unsure"].includes(verdict);
