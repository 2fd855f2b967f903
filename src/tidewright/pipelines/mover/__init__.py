"""What every process that moves rows needs besides its work: ``report`` says how it is."""
