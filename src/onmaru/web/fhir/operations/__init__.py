"""Operations of R4 on the record (`$…`), one file each: what each needs and answers is its OperationDefinition's."""
